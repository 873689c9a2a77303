#include "problem/phases.hpp"

#include <algorithm>

namespace tconv {

std::vector<int64_t> AxisGroups::phases() const {
    std::vector<int64_t> all;
    for (const AxisGroup& group : groups)
        all.insert(all.end(), group.phases.begin(), group.phases.end());
    std::sort(all.begin(), all.end());
    return all;
}

AxisGroups axis_groups_of(const Axis& axis) {
    std::vector<std::vector<int64_t>> taps(axis.stride);
    for (int64_t k = 0; k < axis.kernel; ++k) taps[k * axis.dilation % axis.stride].push_back(k);
    AxisGroups all;
    all.low = axis.kernel * axis.dilation;
    for (int64_t r = 0; r < axis.stride; ++r) {
        if (taps[r].empty()) continue;
        std::vector<int64_t> offsets;
        for (const int64_t k : taps[r]) offsets.push_back((k * axis.dilation - r) / axis.stride);
        all.low = std::min(all.low, offsets.front());
        all.high = std::max(all.high, offsets.back());
        auto same = std::find_if(all.groups.begin(), all.groups.end(),
                                 [&](const AxisGroup& group) { return group.offsets == offsets; });
        if (same == all.groups.end()) {
            all.groups.push_back({{}, offsets, {}});
            same = all.groups.end() - 1;
        }
        same->phases.push_back(r);
        same->kernels.push_back(taps[r]);
    }
    return all;
}

}  // namespace tconv
