// A layer as products whose rows have the same taps: phases of groups, times output channels.
#pragma once

#include "heuristics/costs.hpp"
#include "epilogue.hpp"
#include "problem/rows.hpp"
#include "problem/phase_groups.hpp"

namespace tconv::TCONV_TARGET {

template <class T>
class Parts {
  protected:
    Parts(const Layer& layer, const T* bias) : layer_(layer) {
        in_ = layer.in_channels / layer.groups;
        out_ = layer.out_channels / layer.groups;
        for (int a = 0; a < 3; ++a) axes_[a] = axis_groups_of(layer.axes[a]);
        for (const AxisGroup& z : axes_[0].groups)
            for (const AxisGroup& y : axes_[1].groups)
                for (const AxisGroup& x : axes_[2].groups)
                    phase_groups_.push_back(
                        {{&z, &y, &x},
                         count_of(z.phases) * count_of(y.phases) * count_of(x.phases),
                         count_of(z.offsets) * count_of(y.offsets) * count_of(x.offsets)});
        bias_.grow(layer.out_channels);
        for (int64_t c = 0; c < layer.out_channels; ++c) bias_.data()[c] = bias ? bias[c] : T(0);
    }

    int64_t kernel_of(const PhaseGroup& part, int64_t phase, int64_t tap) const {
        int64_t at[3];
        for (int a = 2; a >= 0; --a) {
            const AxisGroup& group = *part.axes[a];
            at[a] = group.kernels[phase % count_of(group.phases)][tap % count_of(group.offsets)];
            phase /= count_of(group.phases);
            tap /= count_of(group.offsets);
        }
        return (at[0] * layer_.axes[1].kernel + at[1]) * layer_.axes[2].kernel + at[2];
    }

    Layer layer_;
    int64_t in_, out_;
    AxisGroups axes_[3];
    std::vector<PhaseGroup> phase_groups_;
    Buffer<T> bias_;
};

}  // namespace tconv::TCONV_TARGET
