#include "problem/phase_groups.hpp"

namespace tconv {
namespace {

template <class Vector>
int64_t count_of(const Vector& v) {
    return static_cast<int64_t>(v.size());
}

}  // namespace

PhaseGroups::PhaseGroups(const Layer& given)
    : layer(given),
      in(given.in_channels / given.groups),
      out(given.out_channels / given.groups),
      kernel(given.axes[0].kernel * given.axes[1].kernel * given.axes[2].kernel),
      axes{axis_groups_of(given.axes[0]), axis_groups_of(given.axes[1]),
           axis_groups_of(given.axes[2])} {
    for (const AxisGroup& z : axes[0].groups)
        for (const AxisGroup& y : axes[1].groups)
            for (const AxisGroup& x : axes[2].groups)
                all.push_back({{&z, &y, &x},
                               count_of(z.phases) * count_of(y.phases) * count_of(x.phases),
                               count_of(z.offsets) * count_of(y.offsets) * count_of(x.offsets)});
}

int64_t PhaseGroups::element(const PhaseGroup& group, int64_t phase, int64_t tap) const {
    int64_t at[3];
    for (int a = 2; a >= 0; --a) {
        const AxisGroup& axis = *group.axes[a];
        at[a] = axis.kernels[phase % count_of(axis.phases)][tap % count_of(axis.offsets)];
        phase /= count_of(axis.phases);
        tap /= count_of(axis.offsets);
    }
    return (at[0] * layer.axes[1].kernel + at[1]) * layer.axes[2].kernel + at[2];
}

}  // namespace tconv
