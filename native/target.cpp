// Compiled once for every target, with TCONV_TARGET and that target's flags.
#include <chrono>

#include "api.hpp"
#include "gemm/micro_kernel.hpp"
#include "plan.hpp"

#define TCONV_JOIN_(a, b) a##b
#define TCONV_JOIN(a, b) TCONV_JOIN_(a, b)
#define TCONV_TEXT_(a) #a
#define TCONV_TEXT(a) TCONV_TEXT_(a)

namespace tconv {

namespace TCONV_TARGET {

template <class T>
std::unique_ptr<Plan<T>> make_plan(const Layer& layer, const T* weight, const T* bias) {
    return std::make_unique<LayerPlan<T>>(layer, weight, bias);
}

std::vector<AlgorithmInfo> algorithms() {
    std::vector<AlgorithmInfo> all;
    for (const Algorithm<float>& one : registry<float>()) {
        const AlgorithmCosts& cost = costs.algorithms[all.size()];
        all.push_back({one.name, one.combines, cost.product, cost.other});
    }
    return all;
}

double speed() {
    constexpr int64_t channels = 512, lanes = Lanes<float>::count, width = max_vectors * lanes;
    Buffer<float> a(channels * max_rows), b(width), c(max_rows * width);
    std::fill_n(a.data(), channels * max_rows, 0.0f);
    std::fill_n(b.data(), width, 0.0f);
    const float start[max_rows] = {};
    const int32_t offset = 0;
    const Product<float> product{channels, 1, 0, &offset, a.data(), b.data(),
                                 c.data(), width, start, false, false};
    const auto kernel = kernel_of<float>(max_rows, false).of[max_vectors - 1];
    double best = 0;
    for (int run = 0; run < 8; ++run) {
        const auto before = std::chrono::steady_clock::now();
        for (int i = 0; i < 20; ++i) kernel(product);
        const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - before;
        best = std::max(best, 20.0 * channels * max_rows * max_vectors / taken.count());
    }
    return best;
}

}  // namespace TCONV_TARGET

const Target& TCONV_JOIN(target_, TCONV_TARGET)() {
    namespace own = TCONV_TARGET;
    static const Target target{TCONV_TEXT(TCONV_TARGET),
                               own::Lanes<float>::count,
                               own::algorithms(),
                               own::costs.bytes_per_operation,
                               own::make_plan<float>,
                               own::make_plan<double>,
                               own::make_convolution<float>,
                               own::make_convolution<double>,
                               own::weight_gradient<float>,
                               own::weight_gradient<double>,
                               own::speed};
    return target;
}

}  // namespace tconv
