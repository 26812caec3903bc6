// The activation of FINER and SIREN in one pass: sin(omega (|x| + 1) x), or sin(omega x). As libtorch has it that is five passes forward and three back, over tensors that are kept
// for the backward one; here one each, and only x is kept. A representation of 64 units renders in 0.6 of the time (docs/speed.md). The factor |x| + 1 is constant in the gradient (FINER's released code).
#pragma once
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include <cmath>

#include "clones.h"

namespace finer {

// sin(r) for |r| <= pi/2, degree 9, within 1e-7 (the coefficients of SLEEF's sinf_u35).
#define OB_SINE(r, s) ((r) + (r) * (s) * (((2.6083159809786593541503e-06f * (s) - 0.0001981069071916863322258f) * (s) + 0.00833307858556509017944336f) * (s) - 0.166666597127914428710938f))
// arg - q pi, pi in three parts (Cody and Waite): exact to float's last bits up to thousands.
#define OB_REDUCE(arg, q) ((((arg) - (q) * 3.140625f) - (q) * 0.0009670257568359375f) - (q) * 6.2771141529083251953e-07f)
// 1 where q is even, -1 where it is odd.
#define OB_SIGN(q) (1.0f - 4.0f * ((q) * 0.5f - std::floor((q) * 0.5f)))

OB_CLONES void sine(const float* x, float* y, int64_t n, float omega, float alpha) {
    for (int64_t i = 0; i < n; i++) {
        const float arg = x[i] * ((std::fabs(x[i]) * alpha + 1.0f) * omega);
        const float q = std::rint(arg * 0.318309886183790671538f);
        const float r = OB_REDUCE(arg, q), s = r * r;
        y[i] = OB_SIGN(q) * OB_SINE(r, s);
    }
}

// g cos(arg) omega (|x| + 1): cos(arg) = sin(arg + pi/2), reduced around odd multiples of pi/2.
OB_CLONES void slope(const float* x, const float* g, float* y, int64_t n, float omega, float alpha) {
    for (int64_t i = 0; i < n; i++) {
        const float scale = (std::fabs(x[i]) * alpha + 1.0f) * omega, arg = x[i] * scale;
        const float q = std::rint(arg * 0.318309886183790671538f - 0.5f), h = q + 0.5f; // cos(arg) = -(-1)^q sin(arg - (q + 1/2) pi)
        const float r = OB_REDUCE(arg, h), s = r * r;
        y[i] = -OB_SIGN(q) * OB_SINE(r, s) * scale * g[i];
    }
}

constexpr int64_t grain = 16384;

struct Sine : torch::autograd::Function<Sine> {
    static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& given, double omega, double alpha) {
        auto x = given.contiguous();
        context->save_for_backward({x});
        context->saved_data["omega"] = omega;
        context->saved_data["alpha"] = alpha;
        auto y = at::empty_like(x);
        const float* from = x.data_ptr<float>();
        float* to = y.data_ptr<float>();
        at::parallel_for(0, x.numel(), grain, [&](int64_t begin, int64_t end) { sine(from + begin, to + begin, end - begin, float(omega), float(alpha)); });
        return y;
    }
    static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context, torch::autograd::variable_list gradients) {
        auto x = context->get_saved_variables()[0];
        auto g = gradients[0].contiguous();
        const float omega = float(context->saved_data["omega"].toDouble()), alpha = float(context->saved_data["alpha"].toDouble());
        auto y = at::empty_like(x);
        const float *from = x.data_ptr<float>(), *seed = g.data_ptr<float>();
        float* to = y.data_ptr<float>();
        at::parallel_for(0, x.numel(), grain, [&](int64_t begin, int64_t end) { slope(from + begin, seed + begin, to + begin, end - begin, omega, alpha); });
        return {y, at::Tensor(), at::Tensor()};
    }
};

inline at::Tensor apply(const at::Tensor& x, double omega, double alpha) {
    TORCH_CHECK(x.device().is_cpu() && x.scalar_type() == at::kFloat, "finer_sine wants float32 on the processor");
    return Sine::apply(x, omega, alpha);
}

}  // namespace finer
