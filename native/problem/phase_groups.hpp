// A layer as phases that read the same cells: products whose rows have the same taps.
#pragma once

#include <vector>

#include "problem/phases.hpp"

namespace tconv {

// One group of each axis: their phases, times output channels, are the rows of a product.
struct PhaseGroup {
    const AxisGroup* axes[3];
    int64_t phases, taps;
};

struct PhaseGroups {
    explicit PhaseGroups(const Layer& layer);
    PhaseGroups(const PhaseGroups&) = delete;  // as groups point to the axes
    PhaseGroups& operator=(const PhaseGroups&) = delete;

    // The element of the kernel that is a tap of a phase, both counted within the group.
    int64_t element(const PhaseGroup& group, int64_t phase, int64_t tap) const;

    Layer layer;
    int64_t in, out, kernel;  // channels of a group of channels, elements of the kernel
    AxisGroups axes[3];
    std::vector<PhaseGroup> all;
};

}  // namespace tconv
