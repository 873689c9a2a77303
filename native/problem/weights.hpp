// Whether the weights of a layer are finite, and small enough that sums of them may be multiplied.
#pragma once

#include "simd/lanes.hpp"

namespace tconv::TCONV_TARGET {

enum class Weights { ordinary, large, not_finite };

// Ordinary weights leave a factor of a million for the sums that are made of them, and of inputs.
template <class T>
Weights weights_of(const T* weight, int64_t count) {
    typedef typename Lanes<T>::V V;
    constexpr int64_t lanes = Lanes<T>::count;
    constexpr double most = sizeof(T) == 4 ? 1e25 : 1e290;
    V sums[4] = {};
    int64_t i = 0;
    for (; i + 4 * lanes <= count; i += 4 * lanes)
        for (int j = 0; j < 4; ++j) {
            const V w = load<T>(weight + i + j * lanes);
            sums[j] += w * w;
        }
    const V sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    double squares = 0;
    for (int j = 0; j < lanes; ++j) squares += static_cast<double>(sum[j]);
    for (; i < count; ++i) squares += static_cast<double>(weight[i] * weight[i]);
    if (squares <= most) return Weights::ordinary;
    for (i = 0; i < count; ++i)
        if (!(weight[i] - weight[i] == T(0))) return Weights::not_finite;
    return Weights::large;
}

}  // namespace tconv::TCONV_TARGET
