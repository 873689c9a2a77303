// What a layer may do to its result.
#pragma once

#include <cmath>

#include "lanes.hpp"

namespace tconv::TCONV_TARGET {

template <class T>
T activated(const Layer& layer, T v) {
    switch (layer.activation) {
        case Activation::relu: return v > T(0) ? v : T(0);
        case Activation::leaky_relu: return v > T(0) ? v : static_cast<T>(layer.alpha) * v;
        case Activation::tanh: return std::tanh(v);
        case Activation::sigmoid: return T(1) / (T(1) + std::exp(-v));
        case Activation::gelu: return T(0.5) * v * (T(1) + std::erf(v * T(0.70710678118654752)));
        case Activation::silu: return v / (T(1) + std::exp(-v));
        default: return v;
    }
}

}  // namespace tconv::TCONV_TARGET
