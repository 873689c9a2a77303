// Compiled once for every target, with TCONV_TARGET and that target's flags.
#include <chrono>

#include "choice.hpp"
#include "convolution.hpp"
#include "engine.hpp"
#include "gradient.hpp"

#define TCONV_JOIN_(a, b) a##b
#define TCONV_JOIN(a, b) TCONV_JOIN_(a, b)
#define TCONV_TEXT_(a) #a
#define TCONV_TEXT(a) TCONV_TEXT_(a)

namespace tconv {

namespace TCONV_TARGET {

template <class T>
std::unique_ptr<Chosen<T>> plan(const Layer& layer, const T* weight, const T* bias) {
    return std::unique_ptr<Chosen<T>>(new Choice<T>(layer, weight, bias));
}

template <class T>
std::unique_ptr<Packed<T>> adjoint(const Layer& layer, const T* weight, const T* bias) {
    return std::unique_ptr<Packed<T>>(new Convolution<T>(layer, weight, bias));
}

template <class T>
void gradient(const Layer& layer, const Shape& shape, const T* x, const T* y, T* weight,
              const Parallel& parallel) {
    Gradient<T>(layer, shape, x, y, weight).run(parallel);
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
    double best = 0;
    for (int run = 0; run < 8; ++run) {
        const auto before = std::chrono::steady_clock::now();
        for (int i = 0; i < 20; ++i) micro<float, max_rows, max_vectors>(product);
        const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - before;
        best = std::max(best, 20.0 * channels * max_rows * max_vectors / taken.count());
    }
    return best;
}

}  // namespace TCONV_TARGET

const Target& TCONV_JOIN(target_, TCONV_TARGET)() {
    static const Target target{TCONV_TEXT(TCONV_TARGET), TCONV_TARGET::Lanes<float>::count,
                               TCONV_TARGET::plan<float>, TCONV_TARGET::plan<double>,
                               TCONV_TARGET::adjoint<float>, TCONV_TARGET::adjoint<double>,
                               TCONV_TARGET::gradient<float>, TCONV_TARGET::gradient<double>,
                               TCONV_TARGET::speed};
    return target;
}

}  // namespace tconv
