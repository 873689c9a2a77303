// Products some of whose rows have more taps than others, along either of two axes. A panel's vector
// is loaded once for all the rows that a tap enters.
#pragma once

#include "gemm/micro_kernel.hpp"

namespace tconv::TCONV_TARGET {

// Rows in this order: those with more taps along the first axis, along both, along the second, along
// neither. Taps in this order: those of all rows, then more along the first, the second, both.
struct Mix {
    int64_t first, both, second, neither;
    int64_t taps;  // that all rows have along an axis, if along either and others have one more; or 0
};

template <class T, int first, int both, int second, int neither, int taps>
constexpr const Kernel<T>* mixed_with =
    &kernel_with<T, first + both + second + neither,
                 Run<0, first + both + second + neither, taps * taps>, Run<0, first + both, taps>,
                 Run<first, first + both + second, taps>, Run<first, first + both, taps ? 1 : 0>>;

template <class T, int first, int both, int second, int neither>
const Kernel<T>* mixed_if(const Mix& mix) {
    if (mix.first != first || mix.both != both || mix.second != second || mix.neither != neither)
        return nullptr;
    if (mix.taps == 1) return mixed_with<T, first, both, second, neither, 1>;
    if (mix.taps == 2) return mixed_with<T, first, both, second, neither, 2>;
    return mixed_with<T, first, both, second, neither, 0>;
}

// The kernel of a mix, or null where there is none.
template <class T>
const Kernel<T>* mixed_of(const Mix& mix) {
    if (const auto* k = mixed_if<T, 1, 1, 1, 1>(mix)) return k;
    if constexpr (TCONV_VECTOR_BYTES == 64) {
        if (const auto* k = mixed_if<T, 2, 2, 2, 2>(mix)) return k;
        if (const auto* k = mixed_if<T, 3, 3, 3, 3>(mix)) return k;
        if (const auto* k = mixed_if<T, 2, 1, 2, 4>(mix)) return k;
        if (const auto* k = mixed_if<T, 2, 4, 2, 1>(mix)) return k;
        if (const auto* k = mixed_if<T, 3, 1, 3, 0>(mix)) return k;
    }
    return nullptr;
}

}  // namespace tconv::TCONV_TARGET
