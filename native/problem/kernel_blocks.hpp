// What a strided reading y[i·s + k·d - crop] takes from each axis. With k·d = s·t + r, kernel
// element k reads cell i + t of phase r, so that phases laid apart make of it a stride of one.
#pragma once

#include <cstdint>
#include <vector>

#include "api.hpp"

namespace tconv {

// Phases that read from the same cells, those from `base` on.
struct PlaneGroup {
    int64_t base;
    std::vector<int64_t> each;  // ascending
};

// Some neighbouring kernel elements of one axis, and the planes that they read: one a phase, which
// has `reach` more cells than there are positions, or one an element, without such a reach.
struct KernelRange {
    int64_t first = 0, count = 1;
    int64_t planes = 0, reach = 0;
    std::vector<PlaneGroup> groups;  // whose phases are the planes
    std::vector<int64_t> plane;      // of each element
    std::vector<int64_t> offset;     // of each element: t - base
};

// Kernel elements whose cells are packed together.
struct KernelBlock {
    KernelRange axes[3];
    int64_t elements = 1, planes = 1;
};

// Cuts a kernel into blocks, each of at most so many elements (or one) and, for so many positions
// along the last axis, so many cells of one channel. `own_planes` tells for each axis whether its
// elements have planes of their own. Where `whole`, rows of the last axis stay whole: a
// position takes as many cells as the stride, and all phases are in one plane.
std::vector<KernelBlock> kernel_blocks_of(const Axis* axes, const bool* own_planes, bool whole,
                                          int64_t elements, int64_t positions, int64_t cells);

}  // namespace tconv
