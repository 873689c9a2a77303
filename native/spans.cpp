#include "spans.hpp"

#include <algorithm>

namespace tconv {

namespace {

Span span_of(const Axis& axis, int64_t first, int64_t count) {
    Span span;
    span.first = first;
    span.count = count;
    span.low = first * axis.dilation / axis.stride;
    span.reach = (first + count - 1) * axis.dilation / axis.stride - span.low;
    for (int64_t k = first; k < first + count; ++k)
        span.phases.push_back(k * axis.dilation % axis.stride);
    std::vector<int64_t> all = span.phases;
    std::sort(span.phases.begin(), span.phases.end());
    span.phases.erase(std::unique(span.phases.begin(), span.phases.end()), span.phases.end());
    for (int64_t k = 0; k < count; ++k) {
        const auto at = std::lower_bound(span.phases.begin(), span.phases.end(), all[k]);
        span.phase.push_back(at - span.phases.begin());
        span.offset.push_back((first + k) * axis.dilation / axis.stride - span.low);
    }
    return span;
}

struct Limits {
    int64_t elements, positions, cells;
};

void cut(const Axis* axes, const int64_t* first, const int64_t* count, const Limits& most,
         std::vector<Box>& boxes) {
    Box box;
    int64_t cells = 1;
    for (int a = 0; a < 3; ++a) {
        box.axes[a] = span_of(axes[a], first[a], count[a]);
        box.elements *= count[a];
        box.phases *= static_cast<int64_t>(box.axes[a].phases.size());
        cells *= box.axes[a].reach + (a == 2 ? most.positions : 1);
    }
    if (box.elements == 1 ||
        (box.elements <= most.elements && box.phases * cells <= most.cells)) {
        boxes.push_back(box);
        return;
    }
    const int axis = count[0] > 1 ? 0 : count[1] > 1 ? 1 : 2;
    int64_t from[3] = {first[0], first[1], first[2]}, held[3] = {count[0], count[1], count[2]};
    held[axis] = count[axis] / 2;
    cut(axes, from, held, most, boxes);
    from[axis] += held[axis];
    held[axis] = count[axis] - held[axis];
    cut(axes, from, held, most, boxes);
}

}  // namespace

std::vector<Box> boxes_of(const Axis* axes, int64_t elements, int64_t positions, int64_t cells) {
    std::vector<Box> boxes;
    const int64_t first[3] = {0, 0, 0};
    const int64_t count[3] = {axes[0].kernel, axes[1].kernel, axes[2].kernel};
    cut(axes, first, count, {elements, positions, cells}, boxes);
    return boxes;
}

}  // namespace tconv
