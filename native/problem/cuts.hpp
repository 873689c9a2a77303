// Integers, blocks of rows, and the positions of one call.
#pragma once

#include "gemm/micro_kernel.hpp"
#include "heuristics/cache.hpp"
#include "problem/phases.hpp"

namespace tconv::TCONV_TARGET {

TCONV_INLINE int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }
TCONV_INLINE int64_t ceil_div(int64_t a, int64_t b) { return a / b + (a % b > 0); }
TCONV_INLINE int64_t min(int64_t a, int64_t b) { return a < b ? a : b; }
TCONV_INLINE int64_t max(int64_t a, int64_t b) { return a > b ? a : b; }

template <class Vector>
int64_t count_of(const Vector& v) {
    return static_cast<int64_t>(v.size());
}

// Rows of a product are cut into blocks of nearly equal height, at most max_rows.
inline int64_t block_rows(int64_t rows, int64_t first) {
    const int64_t blocks = ceil_div(rows, max_rows);
    const int64_t left = ceil_div(rows - first, ceil_div(rows, blocks));
    return ceil_div(rows - first, left);
}

// Positions of one call: those at which some tap reaches the input.
struct Range {
    int64_t first[3], count[3];
    bool whole;   // every output is at one of the positions, in a phase
    bool inside;  // every phase of every position is in the output
};

inline Range range_of(const Layer& layer, const AxisGroups (&axes)[3], const Shape& shape) {
    Range range;
    range.whole = range.inside = true;
    for (int a = 0; a < 3; ++a) {
        const Axis& axis = layer.axes[a];
        const int64_t start = floor_div(shape.crop[a], axis.stride);
        const int64_t end = floor_div(shape.output[a] - 1 + shape.crop[a], axis.stride);
        const int64_t low = max(start, axes[a].low);
        const int64_t high = min(end, shape.input[a] - 1 + axes[a].high);
        int64_t phases = 0;
        for (const AxisGroup& group : axes[a].groups) phases += count_of(group.phases);
        range.whole = range.whole && low == start && high == end && phases == axis.stride;
        range.inside = range.inside && low * axis.stride >= shape.crop[a] &&
                       (high + 1) * axis.stride <= shape.output[a] + shape.crop[a];
        range.first[a] = low;
        range.count[a] = max(high - low + 1, 0);
    }
    return range;
}

}  // namespace tconv::TCONV_TARGET
