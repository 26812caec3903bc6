// min(max(x + bias, 0), 6), written over x: libtorch's hardtanh_ copies x first where a gradient is wanted, and a bias is a pass of its own. What is kept for the way back is the result, which the
// next layer keeps anyway. With what else was done to the tower then, pictures are looked at in 0.72 of the time on one thread (docs/speed.md).
#pragma once
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

#include "clones.h"

namespace relu6 {

OB_CLONES void clamp(float* x, const float* bias, int64_t rows, int64_t columns) {
    for (int64_t r = 0; r < rows; r++, x += columns)
        for (int64_t c = 0; c < columns; c++) x[c] = std::min(std::max(x[c] + bias[c], 0.0f), 6.0f);
}

OB_CLONES void clamp(float* x, int64_t n) {
    for (int64_t i = 0; i < n; i++) x[i] = std::min(std::max(x[i], 0.0f), 6.0f);
}

OB_CLONES void slope(const float* y, const float* g, float* to, int64_t n) {
    for (int64_t i = 0; i < n; i++) to[i] = y[i] > 0.0f && y[i] < 6.0f ? g[i] : 0.0f;
}

constexpr int64_t grain = 16384;

struct Relu6 : torch::autograd::Function<Relu6> {
    static at::Tensor forward(torch::autograd::AutogradContext* context, at::Tensor x, const c10::optional<at::Tensor>& bias) {
        float* values = x.data_ptr<float>();
        if (bias) {
            const int64_t columns = x.size(1);
            const float* added = bias->data_ptr<float>();
            at::parallel_for(0, x.size(0), std::max<int64_t>(1, grain / columns), [&](int64_t begin, int64_t end) { clamp(values + begin * columns, added, end - begin, columns); });
        } else {
            at::parallel_for(0, x.numel(), grain, [&](int64_t begin, int64_t end) { clamp(values + begin, end - begin); });
        }
        context->saved_data["biased"] = bias.has_value();
        context->mark_dirty({x});
        context->save_for_backward({x});
        return x;
    }
    static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context, torch::autograd::variable_list gradients) {
        auto y = context->get_saved_variables()[0];
        auto g = gradients[0].strides() == y.strides() ? gradients[0] : at::empty_like(y).copy_(gradients[0]);
        auto to = at::empty_like(y);
        const float *out = y.data_ptr<float>(), *seed = g.data_ptr<float>();
        float* slopes = to.data_ptr<float>();
        at::parallel_for(0, y.numel(), grain, [&](int64_t begin, int64_t end) { slope(out + begin, seed + begin, slopes + begin, end - begin); });
        auto added = context->saved_data["biased"].toBool() && context->needs_input_grad(1) ? to.sum(0) : at::Tensor();
        return {to, added};
    }
};

inline at::Tensor apply(const at::Tensor& x, const c10::optional<at::Tensor>& bias) {
    TORCH_CHECK(x.device().is_cpu() && x.scalar_type() == at::kFloat && x.is_non_overlapping_and_dense(), "relu6_ wants float32 on the processor, dense");
    TORCH_CHECK(!bias || (x.dim() == 2 && x.is_contiguous() && bias->dim() == 1 && bias->size(0) == x.size(1) && bias->is_contiguous() && bias->scalar_type() == at::kFloat),
                "relu6_ adds a bias to the rows of a matrix: [n, c] and [c] were wanted; ", x.sizes(), " was given");
    return Relu6::apply(x, bias);
}

}  // namespace relu6
