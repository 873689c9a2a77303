// What a strided reading y[i·s + k·d - crop] takes from each axis. With k·d = s·t + r, kernel
// element k reads cell i + t of phase r, so that phases laid apart make of it a stride of one.
#pragma once

#include <cstdint>
#include <vector>

#include "engine.hpp"

namespace tconv {

// Some neighbouring kernel elements of one axis.
struct Span {
    int64_t first = 0, count = 1;
    int64_t low = 0, reach = 0;    // the smallest t, and how far beyond it the largest is
    std::vector<int64_t> phases;   // that are read, ascending
    std::vector<int64_t> phase;    // of each element: which of these
    std::vector<int64_t> offset;   // of each element: t - low
};

// Kernel elements whose cells lie in the panel together.
struct Box {
    Span axes[3];
    int64_t elements = 1, phases = 1;
};

// Cuts a kernel into boxes, each of at most so many elements (or one) and, for so many positions
// along the last axis, so many cells of one channel.
std::vector<Box> boxes_of(const Axis* axes, int64_t elements, int64_t positions, int64_t cells);

}  // namespace tconv
