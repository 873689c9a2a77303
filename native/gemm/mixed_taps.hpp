// Products some of whose rows have more taps than others, along either of two axes. A vector of packed B
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

// The kernel of a mix, or null where there is none.
template <class T>
const Kernel<T>* mixed_of(const Mix& mix);

}  // namespace tconv::TCONV_TARGET
