#include "problem/kernel_blocks.hpp"

#include <algorithm>

namespace tconv {

namespace {

KernelRange range_of(const Axis& axis, int64_t first, int64_t count, bool own_planes) {
    KernelRange range;
    range.first = first;
    range.count = count;
    const int64_t low = first * axis.dilation / axis.stride;
    const int64_t high = (first + count - 1) * axis.dilation / axis.stride;
    range.reach = own_planes ? 0 : high - low;
    std::vector<int64_t> group(count);
    for (int64_t k = 0; k < count; ++k) {
        const int64_t t = (first + k) * axis.dilation / axis.stride;
        if (k == 0 || (own_planes && t != range.groups.back().base)) range.groups.push_back({t, {}});
        group[k] = static_cast<int64_t>(range.groups.size()) - 1;
        range.groups.back().each.push_back((first + k) * axis.dilation % axis.stride);
        range.offset.push_back(t - range.groups.back().base);
    }
    std::vector<int64_t> before;  // planes of the groups before
    for (PlaneGroup& phases : range.groups) {
        std::vector<int64_t>& each = phases.each;
        std::sort(each.begin(), each.end());
        each.erase(std::unique(each.begin(), each.end()), each.end());
        before.push_back(range.planes);
        range.planes += static_cast<int64_t>(each.size());
    }
    for (int64_t k = 0; k < count; ++k) {
        const std::vector<int64_t>& each = range.groups[group[k]].each;
        const int64_t phase = (first + k) * axis.dilation % axis.stride;
        range.plane.push_back(before[group[k]] +
                             (std::lower_bound(each.begin(), each.end(), phase) - each.begin()));
    }
    return range;
}

// The same where a plane holds whole rows.
KernelRange whole_range_of(const Axis& axis, int64_t first, int64_t count, bool own_planes) {
    KernelRange range;
    range.first = first;
    range.count = count;
    for (int64_t k = first; k < first + count; ++k) {
        const int64_t at = k * axis.dilation, base = at / axis.stride * axis.stride;
        if (k == first || (own_planes && base != range.groups.back().base))
            range.groups.push_back({own_planes ? base : at, {0}});
        range.plane.push_back(static_cast<int64_t>(range.groups.size()) - 1);
        range.offset.push_back(at - range.groups.back().base);
        range.reach = std::max(range.reach, range.offset.back() + 1 - axis.stride);
    }
    range.planes = static_cast<int64_t>(range.groups.size());
    return range;
}

struct Limits {
    bool whole;
    int64_t elements, positions, cells;
};

void cut(const Axis* axes, const bool* own_planes, const int64_t* first, const int64_t* count,
         const Limits& most, std::vector<KernelBlock>& blocks) {
    KernelBlock block;
    int64_t cells = 1;
    for (int a = 0; a < 3; ++a) {
        const bool rows = a == 2 && most.whole;
        block.axes[a] = (rows ? whole_range_of : range_of)(axes[a], first[a], count[a], own_planes[a]);
        block.elements *= count[a];
        block.planes *= block.axes[a].planes;
        cells *= block.axes[a].reach + (a < 2 ? 1 : most.positions * (rows ? axes[a].stride : 1));
    }
    if (block.elements == 1 ||
        (block.elements <= most.elements && block.planes * cells <= most.cells)) {
        blocks.push_back(block);
        return;
    }
    const int axis = count[0] > 1 ? 0 : count[1] > 1 ? 1 : 2;
    int64_t from[3] = {first[0], first[1], first[2]}, held[3] = {count[0], count[1], count[2]};
    held[axis] = count[axis] / 2;
    cut(axes, own_planes, from, held, most, blocks);
    from[axis] += held[axis];
    held[axis] = count[axis] - held[axis];
    cut(axes, own_planes, from, held, most, blocks);
}

}  // namespace

std::vector<KernelBlock> kernel_blocks_of(const Axis* axes, const bool* own_planes, bool whole,
                                          int64_t elements, int64_t positions, int64_t cells) {
    std::vector<KernelBlock> blocks;
    const int64_t first[3] = {0, 0, 0};
    const int64_t count[3] = {axes[0].kernel, axes[1].kernel, axes[2].kernel};
    cut(axes, own_planes, first, count, {whole, elements, positions, cells}, blocks);
    return blocks;
}

}  // namespace tconv
