// The activations that are fused into a layer, of a number and of a vector.
#pragma once

#include <cmath>

#include "lanes.hpp"

namespace tconv::TCONV_TARGET {

template <class T>
TCONV_INLINE T activated(Activation activation, double alpha, T v) {
    switch (activation) {
        case Activation::relu: return v > T(0) ? v : T(0);
        case Activation::leaky_relu: return v > T(0) ? v : static_cast<T>(alpha) * v;
        case Activation::tanh: return std::tanh(v);
        case Activation::sigmoid: return T(1) / (T(1) + std::exp(-v));
        case Activation::gelu: return T(0.5) * v * (T(1) + std::erf(v * T(0.70710678118654752)));
        case Activation::silu: return v / (T(1) + std::exp(-v));
        default: return v;
    }
}

template <class T>
TCONV_INLINE void activate(Activation activation, double alpha, typename Lanes<T>::V& v) {
    typedef typename Lanes<T>::V V;
    if (activation == Activation::relu) {
        v = v > V{} ? v : V{};
    } else if (activation == Activation::leaky_relu) {
        v = v > V{} ? v : v * (V{} + static_cast<T>(alpha));
    } else if (activation != Activation::none) {
        for (int i = 0; i < Lanes<T>::count; ++i) v[i] = activated<T>(activation, alpha, v[i]);
    }
}

}  // namespace tconv::TCONV_TARGET
