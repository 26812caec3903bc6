// FAISS by its factory: one text ("Flat", "HNSW32", "IVF1024,Flat") makes any index. Metric: inner product. Functions that can fail return null or -1 and leave the reason in of_error().
#include <faiss/AutoTune.h>
#include <faiss/IndexHNSW.h>
#include <faiss/IndexIVF.h>
#include <faiss/index_factory.h>
#include <faiss/index_io.h>

#include <cstdint>
#include <string>

#define OF extern "C" __attribute__((visibility("default")))

// Debian builds FAISS for SSE2, where these two are scalar; linked before the archive, ours take their place (two to three times as fast with AVX2; the loader picks by processor).
namespace faiss {
__attribute__((target_clones("arch=haswell", "default"))) float fvec_inner_product(const float* x, const float* y, size_t d) {
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < d; i++) sum += x[i] * y[i];
    return sum;
}
__attribute__((target_clones("arch=haswell", "default"))) float fvec_L2sqr(const float* x, const float* y, size_t d) {
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < d; i++) sum += (x[i] - y[i]) * (x[i] - y[i]);
    return sum;
}
}  // namespace faiss

static thread_local std::string error;
template <typename R, typename F> static R guarded(R failed, F&& body) {
    try { return body(); }
    catch (const std::exception& e) { error = e.what(); }
    catch (...) { error = "unknown C++ exception"; }
    return failed;
}
static faiss::Index* at(void* p) { return static_cast<faiss::Index*>(p); }
static void* const nothing = nullptr;

OF const char* of_error() { return error.c_str(); }
OF void* of_new(int d, const char* kind) { return guarded(nothing, [&]() -> void* { return faiss::index_factory(d, kind, faiss::METRIC_INNER_PRODUCT); }); }
OF void* of_read(const char* path) { return guarded(nothing, [&]() -> void* { return faiss::read_index(path); }); }
OF int of_write(void* p, const char* path) { return guarded(-1, [&] { faiss::write_index(at(p), path); return 0; }); }
OF int of_add(void* p, int64_t n, const float* rows) { return guarded(-1, [&] { if (!at(p)->is_trained) at(p)->train(n, rows); at(p)->add(n, rows); return 0; }); }
OF int of_search(void* p, int64_t n, const float* queries, int64_t k, float* scores, int64_t* rows) { return guarded(-1, [&] { at(p)->search(n, queries, k, scores, rows); return 0; }); }
OF int of_effort(void* p, int effort) {
    return guarded(-1, [&] {
        if (auto graph = dynamic_cast<faiss::IndexHNSW*>(at(p))) graph->hnsw.efSearch = effort;
        else if (auto lists = dynamic_cast<faiss::IndexIVF*>(at(p))) lists->nprobe = effort;
        return 0;
    });
}
OF int64_t of_count(void* p) { return at(p)->ntotal; }
OF int of_dimension(void* p) { return at(p)->d; }
OF void of_free(void* p) { delete at(p); }
