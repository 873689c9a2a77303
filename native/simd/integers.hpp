// The integer arithmetic of sizes.
#pragma once

#include <cstdint>

#include "simd/lanes.hpp"

namespace tconv::TCONV_TARGET {

TCONV_INLINE int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }
TCONV_INLINE int64_t ceil_div(int64_t a, int64_t b) { return a / b + (a % b > 0); }
TCONV_INLINE int64_t min(int64_t a, int64_t b) { return a < b ? a : b; }
TCONV_INLINE int64_t max(int64_t a, int64_t b) { return a > b ? a : b; }

template <class Vector>
int64_t count_of(const Vector& v) {
    return static_cast<int64_t>(v.size());
}

// An odd number of cache lines, so that rows this far apart do not meet in the same sets of a cache.
template <class T>
int64_t odd_lines(int64_t cells) {
    constexpr int64_t line = 64 / sizeof(T);
    return (ceil_div(cells, line) | 1) * line;
}

}  // namespace tconv::TCONV_TARGET
