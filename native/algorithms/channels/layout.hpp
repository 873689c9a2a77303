// How a layer's products are laid out: which columns stand in which N-block, and where its weights
// and biases are. A column is an output channel of a phase.
#pragma once

#include <vector>

#include "epilogue.hpp"
#include "gemm/indirect.hpp"
#include "heuristics/channels.hpp"
#include "problem/phases.hpp"
#include "simd/integers.hpp"

namespace tconv::TCONV_TARGET::channels {

// Columns computed together: output channels of one phase, or of all the phases of a phase group,
// one after the other.
struct NBlock {
    const AxisGroup* axes[3];
    int64_t phase[3];      // on each axis the one phase, or -1: all of the group
    int64_t channels;      // a phase
    int64_t first, count;  // among phases times channels
    bool dots;             // whether input channels stand in the lanes
    int64_t vectors;       // of columns, where they do not
    int64_t width;         // of packed weights
    int64_t starts;        // values that sums start from
    int64_t tap_weights;
    int64_t kc_channels;   // of a KC block
    int64_t weights, biases;  // where they begin, among those of a group of channels

    int64_t taps() const {
        return count_of(axes[0]->offsets) * count_of(axes[1]->offsets) * count_of(axes[2]->offsets);
    }
    int64_t element(const Layer& layer, int64_t column, const int64_t* tap) const {
        int64_t at[3], kernel = 0;
        phases_of(column / channels, at);
        for (int a = 0; a < 3; ++a)
            kernel = kernel * layer.axes[a].kernel + axes[a]->kernels[at[a]][tap[a]];
        return kernel;
    }
    // Which phase of each axis, among those of its group, a phase of the columns is.
    void phases_of(int64_t index, int64_t* at) const {
        for (int a = 2; a >= 0; --a) {
            at[a] = phase[a];
            if (at[a] >= 0) continue;
            at[a] = index % count_of(axes[a]->phases);
            index /= count_of(axes[a]->phases);
        }
    }
};

// Output channels computed together, and their N-blocks; of staged rows, those of whole rows.
struct ChannelBlock {
    int64_t first, channels, first_block, blocks;
};

template <class T>
class ColumnLayout {
    static constexpr int64_t lanes = Lanes<T>::count;

  public:
    explicit ColumnLayout(const Layer& given)
        : layer(given),
          epilogue(given),
          channels_last(given.layout == Layout::channels_last),
          in(given.in_channels / given.groups),
          out(given.out_channels / given.groups) {
        for (int a = 0; a < 3; ++a) axes[a] = axis_groups_of(layer.axes[a]);
        staged = staging_pays();
        staged ? make_rows() : make_blocks();
    }
    ColumnLayout(const ColumnLayout&) = delete;  // as N-blocks point to the axes
    ColumnLayout& operator=(const ColumnLayout&) = delete;

    // Cells of the output a position and row.
    int64_t row_width() const { return layer.axes[2].stride * out; }

    Layer layer;
    Epilogue<T> epilogue;
    bool channels_last;
    bool staged;      // whether whole rows of the output are staged
    int64_t in, out;  // channels of a group of channels
    AxisGroups axes[3];
    int64_t weights = 0, biases = 0;  // packed, of a group of channels
    std::vector<ChannelBlock> channel_blocks;
    std::vector<NBlock> blocks;

  private:
    // Nearly equal blocks.
    static int64_t next_vectors(int64_t left) {
        return ceil_div(left, ceil_div(left, indirect::max_nr));
    }

    // Whether the phases of a row are computed together and staged: where they lie side by side,
    // and an N-block would write only a part of that.
    bool staging_pays() const {
        const AxisGroups& x = axes[2];
        const int64_t stride = layer.axes[2].stride, width = row_width();
        if (!channels_last || layer.groups > 1 || count_of(x.groups) > 1 ||
            count_of(x.groups[0].phases) < stride)
            return false;
        if (width % lanes ? width < 2 * lanes : width <= indirect::max_nr * lanes) return false;
        int64_t taps = count_of(x.groups[0].offsets), rows = 1;
        for (int a = 0; a < 2; ++a) {
            int64_t most = 0;
            for (const AxisGroup& group : axes[a].groups) most = max(most, count_of(group.offsets));
            taps *= most;
            rows *= layer.axes[a].stride;
        }
        return 4 * rows * ceil_div(width, lanes) <= 5 * ceil_div(rows * width, lanes) &&
               taps * in * width * int64_t(sizeof(T)) <= max_staged_weight_bytes &&
               staging_positions * width * int64_t(sizeof(T)) <= 2 * staging_bytes;
    }

    // Calls f for each phase of some groups.
    template <class F>
    static void each_phase(const AxisGroup* const* group, const F& f) {
        int64_t p[3];
        for (p[0] = 0; p[0] < count_of(group[0]->phases); ++p[0])
            for (p[1] = 0; p[1] < count_of(group[1]->phases); ++p[1])
                for (p[2] = 0; p[2] < count_of(group[2]->phases); ++p[2]) f(p);
    }

    template <class F>
    void each_group(const F& f) const {
        for (const AxisGroup& z : axes[0].groups)
            for (const AxisGroup& y : axes[1].groups)
                for (const AxisGroup& x : axes[2].groups) {
                    const AxisGroup* const group[3] = {&z, &y, &x};
                    f(group);
                }
    }

    template <class F>
    void add_channel_block(int64_t first, int64_t channels, const F& add) {
        const int64_t before = count_of(blocks);
        add();
        channel_blocks.push_back({first, channels, before, count_of(blocks) - before});
    }

    void make_rows() {
        each_group([&](const AxisGroup* const* group) {
            each_phase(group, [&](const int64_t* p) {
                if (p[2]) return;  // the phases of a row stand together
                const int64_t row[3] = {p[0], p[1], -1};
                add_channel_block(0, out, [&] { add_blocks(group, row, out, row_width()); });
            });
        });
    }

    void make_blocks() {
        const bool joint = out < (out % lanes ? min_phase_channels : min(indirect::max_nr, 3) * lanes);
        for (int64_t first = 0; first < out; first += channel_blocks.back().channels) {
            const int64_t left = out - first;
            const int64_t channels =
                joint ? out : min(next_vectors(ceil_div(left, lanes)) * lanes, left);
            add_channel_block(first, channels, [&] {
                each_group([&](const AxisGroup* const* group) {
                    const int64_t all[3] = {-1, -1, -1};
                    int64_t phases = channels;
                    for (int a = 0; a < 3; ++a) phases *= count_of(group[a]->phases);
                    if (joint) return add_blocks(group, all, channels, phases);
                    each_phase(group, [&](const int64_t* p) {
                        add_blocks(group, p, channels, channels);
                    });
                });
            });
        }
    }

    void add_blocks(const AxisGroup* const* group, const int64_t* phase, int64_t channels,
                    int64_t count) {
        for (int64_t first = 0; first < count; first += blocks.back().count) {
            NBlock block{{group[0], group[1], group[2]}, {phase[0], phase[1], phase[2]}, channels,
                         first, 0, false, 1, 0, 0, 0, kc, weights, biases};
            block.dots = !staged && dots_pay(count, block.taps());
            const int64_t left = count - first;
            if (block.dots) {
                block.count = ceil_div(left, ceil_div(left, indirect::max_dot_columns));
                block.width = block.count;
                block.starts = ceil_div(indirect::accumulators, lanes) * lanes;
                block.tap_weights = block.width * ceil_div(in, lanes) * lanes;
                block.kc_channels = kc * lanes;
            } else {
                block.vectors = next_vectors(ceil_div(left, lanes));
                block.width = block.starts = block.vectors * lanes;
                block.count = min(block.width, left);
                block.tap_weights = block.width * in;
            }
            weights += block.taps() * block.tap_weights;
            biases += block.starts;
            blocks.push_back(block);
        }
    }

    // Whether columns cost less with input channels in the lanes.
    bool dots_pay(int64_t count, int64_t taps) const {
        return count * (ceil_div(in, lanes) * taps + 4) < ceil_div(count, lanes) * in * taps;
    }
};

}  // namespace tconv::TCONV_TARGET::channels
