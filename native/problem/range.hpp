// The positions of one call.
#pragma once

#include "problem/phases.hpp"
#include "simd/integers.hpp"

namespace tconv::TCONV_TARGET {

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
