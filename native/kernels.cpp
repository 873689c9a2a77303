// Compiled once for every target, with TCONV_TARGET and that target's flags.
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

}  // namespace TCONV_TARGET

const Target& TCONV_JOIN(target_, TCONV_TARGET)() {
    static const Target target{TCONV_TEXT(TCONV_TARGET), TCONV_TARGET::Lanes<float>::count,
                               TCONV_TARGET::plan<float>, TCONV_TARGET::plan<double>,
                               TCONV_TARGET::adjoint<float>, TCONV_TARGET::adjoint<double>,
                               TCONV_TARGET::gradient<float>, TCONV_TARGET::gradient<double>};
    return target;
}

}  // namespace tconv
