// One call reaches every operator of libtorch: find it by schema name, push boxed values, call, take the results.
// Tensors cross the border as owned TensorImpl pointers. Every function that can fail returns a marker (null or -1)
// and leaves the reason in ob_error().
#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <ATen/autocast_mode.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/autograd/grad_mode.h>
#include <torch/library.h>
#include <torch/version.h>

#include <atomic>
#include <cstdint>
#include <cstring>
#include <sstream>
#include <string>
#include <vector>

#include "finer_sine.h"
#include "relu6.h"

#define OB extern "C" __attribute__((visibility("default")))

namespace {

// Mirrors Obverse.Torch.NativeValue: 64 bytes. Lists of up to six numbers ride inside; longer ones by pointer.
enum Tag : int32_t { None, TensorTag, Int, Double, Bool, IntList, DoubleList, String, TensorList, OptionalTensorList, Device, GeneratorTag, BoolList };
struct Value {
    int32_t tag;
    int32_t count;  // list length; -1-n means n numbers behind the pointer in bits[0]
    union { int64_t bits[6]; double reals[6]; void* pointer; const char* text; };
    int64_t spare;
};
static_assert(sizeof(Value) == 64, "NativeValue in C# has 64 bytes");

struct Operator {
    c10::OperatorHandle handle;
    std::vector<c10::IValue> defaults;
    std::string schema;
};

void* const nothing = nullptr;  // what a failed call for a pointer returns
thread_local std::string error;
std::atomic<int64_t> live{0};

template <typename R, typename F> R guarded(R failed, F&& body) {
    try { return body(); }
    catch (const c10::Error& e) { error = e.what_without_backtrace(); }
    catch (const std::exception& e) { error = e.what(); }
    catch (...) { error = "unknown C++ exception"; }
    return failed;
}

void* give(at::Tensor t) {
    if (!t.defined()) return nullptr;
    live.fetch_add(1, std::memory_order_relaxed);
    return t.unsafeReleaseTensorImpl();
}

at::Tensor borrow(void* impl) {
    if (!impl) return {};
    return at::Tensor(c10::intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>::unsafe_reclaim_from_nonowning(static_cast<c10::TensorImpl*>(impl)));
}

const int64_t* numbers(const Value& v, int64_t& n) {
    if (v.count >= 0) { n = v.count; return v.bits; }
    n = -1 - static_cast<int64_t>(v.count);
    return static_cast<const int64_t*>(v.pointer);
}

c10::IValue box(const Value& v) {
    int64_t n = 0;
    switch (v.tag) {
        case TensorTag: return borrow(v.pointer);
        case Int: return v.bits[0];
        case Double: return v.reals[0];
        case Bool: return v.bits[0] != 0;
        case IntList: { auto p = numbers(v, n); return c10::IValue(at::IntArrayRef(p, n)); }
        case DoubleList: { auto p = reinterpret_cast<const double*>(numbers(v, n)); return c10::IValue(c10::ArrayRef<double>(p, n)); }
        case BoolList: {
            auto p = numbers(v, n);
            c10::List<bool> list;
            for (int64_t i = 0; i < n; i++) list.push_back(p[i] != 0);
            return list;
        }
        case String: return std::string(v.text);
        case TensorList: {
            c10::List<at::Tensor> list;
            list.reserve(v.count);
            for (int32_t i = 0; i < v.count; i++) list.push_back(borrow(static_cast<void**>(v.pointer)[i]));
            return list;
        }
        case OptionalTensorList: {
            c10::List<c10::optional<at::Tensor>> list;
            list.reserve(v.count);
            for (int32_t i = 0; i < v.count; i++) {
                void* p = static_cast<void**>(v.pointer)[i];
                list.push_back(p ? c10::optional<at::Tensor>(borrow(p)) : c10::nullopt);
            }
            return list;
        }
        case Device: return c10::Device(static_cast<c10::DeviceType>(v.bits[0]), static_cast<c10::DeviceIndex>(v.bits[1]));
        case GeneratorTag: return *static_cast<at::Generator*>(v.pointer);
        default: return {};
    }
}

// Flattens results: tensors and tensor lists in order, numbers as they are.
int unbox(const c10::IValue& r, Value* out, int at, int room) {
    auto place = [&](int32_t tag) -> Value& {
        TORCH_CHECK(at < room, "more than ", room, " results");
        out[at].tag = tag;
        return out[at++];
    };
    if (r.isTensor()) place(TensorTag).pointer = give(r.toTensor());
    else if (r.isTensorList()) { for (const at::Tensor& t : r.toTensorList()) place(TensorTag).pointer = give(t); }
    else if (r.isInt()) place(Int).bits[0] = r.toInt();
    else if (r.isDouble()) place(Double).reals[0] = r.toDouble();
    else if (r.isBool()) place(Bool).bits[0] = r.toBool();
    else if (r.isNone()) place(None);
    else TORCH_CHECK(false, "result of kind ", r.tagKind(), " is not supported");
    return at;
}

std::vector<at::Tensor> borrowed(void** p, int n) {
    std::vector<at::Tensor> list;
    list.reserve(n);
    for (int i = 0; i < n; i++) list.push_back(borrow(p[i]));
    return list;
}

}  // namespace

OB const char* ob_error() { return error.c_str(); }
OB const char* ob_version() { return TORCH_VERSION; }
OB int64_t ob_live() { return live.load(std::memory_order_relaxed); }

// ---- operators

OB void* ob_op(const char* name, const char* overload) {
    return guarded(nothing, [&]() -> void* {
        auto handle = c10::Dispatcher::singleton().findSchema({name, overload});
        TORCH_CHECK(handle, "no operator ", name, overload[0] ? "." : "", overload, " in libtorch ", TORCH_VERSION);
        auto op = new Operator{*handle, {}, {}};
        std::ostringstream text;
        text << handle->schema();
        op->schema = text.str();
        for (const auto& a : handle->schema().arguments()) op->defaults.push_back(a.default_value().value_or(c10::IValue()));
        return op;
    });
}

OB const char* ob_op_schema(void* op) { return static_cast<Operator*>(op)->schema.c_str(); }

// One line an argument: name, type, 1 if it has a default.
OB const char* ob_op_arguments(void* op) {
    thread_local std::string text;
    std::ostringstream lines;
    for (const auto& a : static_cast<Operator*>(op)->handle.schema().arguments())
        lines << a.name() << '\t' << a.type()->str() << '\t' << (a.default_value() ? 1 : 0) << '\n';
    text = lines.str();
    return text.c_str();
}

OB int ob_call(void* opaque, const Value* args, int count, Value* results, int room) {
    return guarded(-1, [&] {
        auto op = static_cast<Operator*>(opaque);
        torch::jit::Stack stack;
        stack.reserve(op->defaults.size());
        for (int i = 0; i < count; i++) stack.push_back(box(args[i]));
        for (size_t i = count; i < op->defaults.size(); i++) stack.push_back(op->defaults[i]);
        op->handle.callBoxed(stack);
        int n = 0;
        for (const auto& r : stack) n = unbox(r, results, n, room);
        return n;
    });
}

// ---- tensors

OB void ob_free(void* impl) {
    live.fetch_sub(1, std::memory_order_relaxed);
    c10::raw::intrusive_ptr::decref(static_cast<c10::TensorImpl*>(impl));
}

// release(context) is called once, from whatever thread drops the last reference to the memory.
OB void* ob_from_blob(void* data, int dtype, const int64_t* sizes, int dims, void (*release)(void*), void* context) {
    return guarded(nothing, [&]() -> void* {
        auto options = at::TensorOptions().dtype(static_cast<at::ScalarType>(dtype));
        return give(at::from_blob(data, at::IntArrayRef(sizes, dims), [release, context](void*) { if (release) release(context); }, options));
    });
}

OB void* ob_data(void* impl) { return guarded(nothing, [&]() -> void* { return borrow(impl).data_ptr(); }); }

struct Facts { int32_t dtype, dims, device, index; int64_t elements; int32_t contiguous, requires_grad; int64_t sizes[8]; };
OB int ob_facts(void* impl, Facts* f) {
    return guarded(-1, [&] {
        auto t = borrow(impl);
        TORCH_CHECK(t.dim() <= 8, "a tensor of ", t.dim(), " dimensions; up to 8 are supported");
        f->dtype = static_cast<int32_t>(t.scalar_type());
        f->dims = static_cast<int32_t>(t.dim());
        f->device = static_cast<int32_t>(t.device().type());
        f->index = t.device().index();
        f->elements = t.numel();
        f->contiguous = t.is_contiguous();
        f->requires_grad = t.requires_grad();
        for (int i = 0; i < f->dims; i++) f->sizes[i] = t.size(i);
        return 0;
    });
}

// ---- autograd

OB int ob_set_requires_grad(void* impl, int on) { return guarded(-1, [&] { borrow(impl).set_requires_grad(on != 0); return 0; }); }
OB void* ob_gradient(void* impl) { return guarded(nothing, [&]() -> void* { return give(borrow(impl).grad()); }); }
OB int ob_set_gradient(void* impl, void* gradient) { return guarded(-1, [&] { borrow(impl).mutable_grad() = borrow(gradient); return 0; }); }
OB int ob_grad_mode(int on) { int was = at::GradMode::is_enabled(); at::GradMode::set_enabled(on != 0); return was; }

// Products in bfloat16 on the CPU, of this thread; what was on before comes back.
OB int ob_autocast(int on) {
    int was = at::autocast::is_cpu_enabled();
    at::autocast::set_autocast_cpu_dtype(at::kBFloat16);
    at::autocast::set_cpu_enabled(on != 0);
    if (was && !on) at::autocast::clear_cache();
    return was;
}

OB int ob_backward(void* root, void* gradient, int keep) {
    return guarded(-1, [&] {
        std::vector<at::Tensor> seeds;
        if (gradient) seeds.push_back(borrow(gradient));
        torch::autograd::backward({borrow(root)}, seeds, keep != 0);
        return 0;
    });
}

// gradients[i] becomes null where inputs[i] does not reach the outputs.
OB int ob_grad(void** outputs, int no, void** inputs, int ni, void** seeds, int keep, int create, void** gradients) {
    return guarded(-1, [&] {
        std::vector<at::Tensor> seed;
        if (seeds) seed = borrowed(seeds, no);
        auto found = torch::autograd::grad(borrowed(outputs, no), borrowed(inputs, ni), seed, keep != 0, create != 0, /*allow_unused=*/true);
        for (int i = 0; i < ni; i++) gradients[i] = give(found[i]);
        return 0;
    });
}

// ---- randomness, threads, devices

OB void* ob_generator(uint64_t seed) {
    return guarded(nothing, [&]() -> void* { return new at::Generator(at::make_generator<at::CPUGeneratorImpl>(seed)); });
}
OB void ob_generator_free(void* g) { delete static_cast<at::Generator*>(g); }

OB int ob_threads(int n) { if (n > 0) at::set_num_threads(n); return at::get_num_threads(); }
OB const char* ob_build() { static std::string text = at::show_config() + at::get_parallel_info(); return text.c_str(); }
OB int ob_has_cuda() { return at::hasCUDA(); }

// ---- operators of our own: what autograd cannot be told with libtorch's (their backward looks at the sign of the gradient)

namespace {

// Clamps; outside the range only a gradient whose descent step leads back inside passes (VQGAN+CLIP's clamp_with_grad).
struct ClampWithGrad : torch::autograd::Function<ClampWithGrad> {
    static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x, double min, double max) {
        auto clamped = x.clamp(min, max);
        context->save_for_backward({x - clamped});
        return clamped;
    }
    static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context, torch::autograd::variable_list gradients) {
        auto outside = context->get_saved_variables()[0];
        return {gradients[0] * (gradients[0] * outside >= 0), at::Tensor(), at::Tensor()};
    }
};

}  // namespace

TORCH_LIBRARY(obverse, library) {
    library.def("clamp_with_grad(Tensor x, float min, float max) -> Tensor", [](const at::Tensor& x, double min, double max) { return ClampWithGrad::apply(x, min, max); });
    library.def("finer_sine(Tensor x, float omega, float alpha) -> Tensor", [](const at::Tensor& x, double omega, double alpha) { return finer::apply(x, omega, alpha); });
    library.def("relu6_(Tensor(a!) x, Tensor? bias) -> Tensor(a!)", [](const at::Tensor& x, const c10::optional<at::Tensor>& bias) { return relu6::apply(x, bias); });
}
