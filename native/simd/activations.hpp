// The activations that are fused into a layer, of a number and of a vector.
#pragma once

#include <cmath>

#include "simd/lanes.hpp"

namespace tconv::TCONV_TARGET {

// What is no number stays, as in NumPy's maximum.
template <class V>
TCONV_INLINE V rectified(V v) {
    return v < V{} ? V{} : v;
}

template <class T>
TCONV_INLINE T activated(Activation activation, double alpha, T v) {
    switch (activation) {
        case Activation::relu: return rectified(v);
        case Activation::leaky_relu: return v < T(0) ? static_cast<T>(alpha) * v : v;
        case Activation::tanh: return std::tanh(v);
        case Activation::sigmoid: return T(1) / (T(1) + std::exp(-v));
        case Activation::gelu: return T(0.5) * v * (T(1) + std::erf(v * T(0.70710678118654752)));
        case Activation::silu: return v / (T(1) + std::exp(-v));
        default: return v;
    }
}

template <class T>
TCONV_INLINE T activated(const Layer& layer, T v) {
    return activated<T>(layer.activation, layer.alpha, v);
}

template <class T>
TCONV_INLINE void activate(Activation activation, double alpha, typename Lanes<T>::V& v) {
    typedef typename Lanes<T>::V V;
    if (activation == Activation::relu) {
        v = rectified(v);
    } else if (activation == Activation::leaky_relu) {
        v = v < V{} ? v * broadcast<T>(static_cast<T>(alpha)) : v;
    } else if (activation != Activation::none) {
        for (int i = 0; i < Lanes<T>::count; ++i) v[i] = activated<T>(activation, alpha, v[i]);
    }
}

template <class T>
void activate_row(Activation activation, double alpha, T* row, int64_t count) {
    constexpr int64_t lanes = Lanes<T>::count;
    int64_t i = 0;
    for (; i + lanes <= count; i += lanes) {
        typename Lanes<T>::V v = load(row + i);
        activate<T>(activation, alpha, v);
        store<T>(row + i, v);
    }
    for (; i < count; ++i) row[i] = activated(activation, alpha, row[i]);
}

}  // namespace tconv::TCONV_TARGET
