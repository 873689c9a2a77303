#include "problem/kernel_blocks.hpp"

#include <algorithm>

namespace tconv {

namespace {

KernelRange span_of(const Axis& axis, int64_t first, int64_t count, bool apart) {
    KernelRange span;
    span.first = first;
    span.count = count;
    const int64_t low = first * axis.dilation / axis.stride;
    const int64_t high = (first + count - 1) * axis.dilation / axis.stride;
    span.reach = apart ? 0 : high - low;
    std::vector<int64_t> group(count);
    for (int64_t k = 0; k < count; ++k) {
        const int64_t t = (first + k) * axis.dilation / axis.stride;
        if (k == 0 || (apart && t != span.groups.back().base)) span.groups.push_back({t, {}});
        group[k] = static_cast<int64_t>(span.groups.size()) - 1;
        span.groups.back().each.push_back((first + k) * axis.dilation % axis.stride);
        span.offset.push_back(t - span.groups.back().base);
    }
    std::vector<int64_t> before;  // planes of the groups before
    for (Phases& phases : span.groups) {
        std::vector<int64_t>& each = phases.each;
        std::sort(each.begin(), each.end());
        each.erase(std::unique(each.begin(), each.end()), each.end());
        before.push_back(span.planes);
        span.planes += static_cast<int64_t>(each.size());
    }
    for (int64_t k = 0; k < count; ++k) {
        const std::vector<int64_t>& each = span.groups[group[k]].each;
        const int64_t phase = (first + k) * axis.dilation % axis.stride;
        span.plane.push_back(before[group[k]] +
                             (std::lower_bound(each.begin(), each.end(), phase) - each.begin()));
    }
    return span;
}

// The same where a plane holds whole rows.
KernelRange whole_span_of(const Axis& axis, int64_t first, int64_t count, bool apart) {
    KernelRange span;
    span.first = first;
    span.count = count;
    for (int64_t k = first; k < first + count; ++k) {
        const int64_t at = k * axis.dilation, base = at / axis.stride * axis.stride;
        if (k == first || (apart && base != span.groups.back().base))
            span.groups.push_back({apart ? base : at, {0}});
        span.plane.push_back(static_cast<int64_t>(span.groups.size()) - 1);
        span.offset.push_back(at - span.groups.back().base);
        span.reach = std::max(span.reach, span.offset.back() + 1 - axis.stride);
    }
    span.planes = static_cast<int64_t>(span.groups.size());
    return span;
}

struct Limits {
    bool whole;
    int64_t elements, positions, cells;
};

void cut(const Axis* axes, const bool* apart, const int64_t* first, const int64_t* count,
         const Limits& most, std::vector<KernelBlock>& boxes) {
    KernelBlock box;
    int64_t cells = 1;
    for (int a = 0; a < 3; ++a) {
        const bool rows = a == 2 && most.whole;
        box.axes[a] = (rows ? whole_span_of : span_of)(axes[a], first[a], count[a], apart[a]);
        box.elements *= count[a];
        box.planes *= box.axes[a].planes;
        cells *= box.axes[a].reach + (a < 2 ? 1 : most.positions * (rows ? axes[a].stride : 1));
    }
    if (box.elements == 1 ||
        (box.elements <= most.elements && box.planes * cells <= most.cells)) {
        boxes.push_back(box);
        return;
    }
    const int axis = count[0] > 1 ? 0 : count[1] > 1 ? 1 : 2;
    int64_t from[3] = {first[0], first[1], first[2]}, held[3] = {count[0], count[1], count[2]};
    held[axis] = count[axis] / 2;
    cut(axes, apart, from, held, most, boxes);
    from[axis] += held[axis];
    held[axis] = count[axis] - held[axis];
    cut(axes, apart, from, held, most, boxes);
}

}  // namespace

std::vector<KernelBlock> kernel_blocks_of(const Axis* axes, const bool* apart, bool whole, int64_t elements,
                          int64_t positions, int64_t cells) {
    std::vector<KernelBlock> boxes;
    const int64_t first[3] = {0, 0, 0};
    const int64_t count[3] = {axes[0].kernel, axes[1].kernel, axes[2].kernel};
    cut(axes, apart, first, count, {whole, elements, positions, cells}, boxes);
    return boxes;
}

}  // namespace tconv
