// Phases and taps of one axis. With u = o + crop = s·q + r, phase r uses the kernel elements k with
// k·d = r (mod s), each reading x[q - t] with t = (k·d - r)/s. The phases whose taps lie at the same
// offsets form a group: they read the same cells, so they stand in one product.
#pragma once

#include <cstdint>
#include <vector>

#include "api.hpp"

namespace tconv {

struct AxisGroup {
    std::vector<int64_t> phases;
    std::vector<int64_t> offsets;               // t of each tap
    std::vector<std::vector<int64_t>> kernels;  // [phase][tap] -> k
};

struct AxisGroups {
    std::vector<int64_t> phases() const;  // those of all groups, ascending

    std::vector<AxisGroup> groups;
    int64_t low = 0, high = 0;  // smallest and largest offset of all
};

AxisGroups axis_groups_of(const Axis& axis);

}  // namespace tconv
