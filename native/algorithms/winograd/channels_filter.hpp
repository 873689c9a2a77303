// The filter transform with lanes along channels: the packed weights and biases of all N-blocks.
#pragma once

#include "algorithms/winograd/channels_columns.hpp"

namespace tconv::TCONV_TARGET::winograd::channel_lanes {

template <class T>
class Filters {
    static constexpr int64_t lanes = Lanes<T>::count;

  public:
    // Weights: [group][N-block][filter][block of columns][channel][column].
    Filters(const Columns<T>& columns, const T* weight, const T* bias)
        : columns_(columns), phases_(columns.phases) {
        const int64_t groups = phases_.layer.groups;
        T* const weights = weights_.grow(groups * columns.group_weights + 1);
        T* biases = biases_.grow(groups * columns.group_biases + lanes);
        for (int64_t g = 0; g < groups; ++g)
            for (const NBlock& block : columns.n_blocks) {
                const ChannelBlock& channels = channels_of(block);
                for (int64_t j = 0; j < block.vectors * lanes; ++j)
                    *biases++ = j < block.columns
                                    ? bias[g * phases_.out + channels.first +
                                           (block.first + j) % channels.channels]
                                    : T(0);
                pack_block(weight + g * phases_.in * phases_.out * phases_.kernel, block,
                           weights + g * columns.group_weights + block.weights);
            }
    }

    const T* weights(int64_t group, const NBlock& block) const {
        return weights_.data() + group * columns_.group_weights + block.weights;
    }
    const T* biases(int64_t group, const NBlock& block) const {
        return biases_.data() + group * columns_.group_biases + block.biases;
    }

  private:
    const ChannelBlock& channels_of(const NBlock& block) const {
        return columns_.channel_blocks[static_cast<size_t>(block.channel_block)];
    }
    const TileTransform<T>& group_of(const NBlock& block) const {
        return columns_.groups[static_cast<size_t>(block.group)];
    }

    void pack_block(const T* weight, const NBlock& block, T* to) const {
        const TileTransform<T>& group = group_of(block);
        for (int64_t v = 0; v < block.vectors; v += tile_nr) {
            const int64_t width = min(tile_nr, block.vectors - v) * lanes;
            const int64_t count = min(width, block.columns - v * lanes);
            for (int64_t split = 0; split < group.splits; ++split, to += phases_.in * width)
                pack_columns(weight, block, split, block.first + v * lanes, count, to, width);
        }
    }

    // All channels of a block of columns, for one split of the filter.
    void pack_columns(const T* weight, const NBlock& block, int64_t split, int64_t first,
                      int64_t count, T* to, int64_t width) const {
        const TileTransform<T>& group = group_of(block);
        const ChannelBlock& channels = channels_of(block);
        const int64_t filter_step = group.depth * block.vectors * lanes;
        const Fmr<T>* const fmr[3] = {group.axes[0].fmr, group.axes[1].fmr, group.axes[2].fmr};
        const int64_t taps = fmr[0]->r * fmr[1]->r * fmr[2]->r;
        constexpr int64_t most_squares = (tile_nr * lanes + max_rows - 1) / max_rows;
        const int64_t squares = ceil_div(width, max_rows);
        int64_t places[most_squares][27][max_rows];
        for (int64_t q = 0; q < squares; ++q)
            for (int64_t tap = 0; tap < taps; ++tap)
                for (int64_t m = 0; m < max_rows; ++m) {
                    const int64_t column = first + min(q * max_rows + m, count - 1);
                    const int64_t element =
                        element_of(group, split, tap, column / channels.channels);
                    const int64_t channel = channels.first + column % channels.channels;
                    places[q][tap][m] = element < 0 ? -1 : channel * phases_.kernel + element;
                }
        const int64_t step = phases_.out * phases_.kernel;
        for (int64_t c = 0; c < phases_.in; ++c, weight += step, to += width)
            for (int64_t q = 0; q < squares; ++q) {
                Column<T> one[points_limit], two[points_limit];
                for (int64_t tap = 0; tap < taps; ++tap) {
                    const int64_t* const place = places[q][tap];
                    T row[max_rows] = {};
                    if (place[0] >= 0)
                        for (int m = 0; m < max_rows; ++m) row[m] = weight[place[m]];
                    one[tap] = *reinterpret_cast<const Column<T>*>(row);
                }
                const Column<T>* const filter = transform_filter(fmr, one, two);
                T* const at = to + q * max_rows;
                if (count == width && width % max_rows == 0)
                    for (int64_t e = 0; e < group.filters; ++e)
                        *reinterpret_cast<Column<T>*>(at + e * filter_step) = filter[e];
                else
                    for (int64_t e = 0; e < group.filters; ++e)
                        for (int64_t m = 0; m < min(max_rows, width - q * max_rows); ++m)
                            at[e * filter_step + m] =
                                q * max_rows + m < count ? filter[e][m] : T(0);
            }
    }

    // The element of the kernel that is a tap of a split, or -1 where the phase has none.
    int64_t element_of(const TileTransform<T>& group, int64_t split, int64_t tap,
                       int64_t phase) const {
        int64_t index = 0, step = 1;  // among the group's taps, whose order is the cells' reversed
        for (int a = 2; a >= 0; --a) {
            const AxisTransform<T>& axis = group.axes[a];
            const int64_t taps = count_of(group.phase_group->axes[a]->offsets);
            const int64_t at = split % axis.splits * axis.fmr->r + tap % axis.fmr->r;
            if (at >= taps) return -1;
            index += (taps - 1 - at) * step;
            step *= taps;
            split /= axis.splits;
            tap /= axis.fmr->r;
        }
        return phases_.element(*group.phase_group, phase, index);
    }

    const Columns<T>& columns_;
    const PhaseGroups& phases_;
    Buffer<T> weights_, biases_;
};

}  // namespace tconv::TCONV_TARGET::winograd::channel_lanes
