// Winograd's algorithm with lanes along channels: the columns of its products, which are the phases
// of a phase group times output channels, and the blocks that they are computed in.
#pragma once

#include <vector>

#include "algorithms/winograd/axis.hpp"
#include "gemm/tile_kernel.hpp"
#include "heuristics/winograd.hpp"

namespace tconv::TCONV_TARGET::winograd::channel_lanes {

constexpr int64_t points_limit = 80;  // of a tile

// Which positions of an axis a tile covers: m of them, or the single one at an end all of whose taps
// but one lie beyond the input.
enum class Border : int { none, first, last };

// A phase group, as the tiles of a region take it.
template <class T>
struct TileTransform : GroupTransform<T> {
    using GroupTransform<T>::axes, GroupTransform<T>::points, GroupTransform<T>::filters;

    int64_t packed_filters[3];  // along each axis
    int64_t first_filter[3];    // of them, that tiles at a border take, from this one on
    int64_t place[3];           // from a point to the next along each axis
    int64_t splits = 1;         // of the filter, all axes together
    int64_t depth, pitch;       // terms of a sum; from tile to tile in the transformed input

    TileTransform(const PhaseGroups& all, int64_t index, const AxisTiling<T> (&tilings)[3])
        : GroupTransform<T>(all, index, tilings) {
        for (int a = 0; a < 3; ++a) {
            packed_filters[a] = axes[a].fmr->filters;
            first_filter[a] = 0;
            splits *= axes[a].splits;
        }
        constexpr int64_t lanes = Lanes<T>::count;
        depth = splits * all.in;
        pitch = odd_lines<T>(depth - all.in + ceil_div(all.in, lanes) * lanes);
        place_points();
    }

    void at_border(const Border* borders) {
        for (int a = 0; a < 3; ++a) {
            if (borders[a] == Border::none) continue;
            if (borders[a] == Border::first) {
                axes[a].first_cell += axes[a].fmr->r - 1;
                first_filter[a] = packed_filters[a] - 1;
            }
            axes[a].fmr = fmr_of<T>(1, 1);
        }
        place_points();
    }

    // Of the filters that the tiles take, the index of one of those packed; -1 where they do not.
    int64_t filter_index(int64_t packed) const {
        int64_t index = 0, step = 1;
        for (int a = 2; a >= 0; --a) {
            const int64_t count = axes[a].fmr->filters;
            const int64_t at = packed % packed_filters[a] - first_filter[a];
            if (at < 0 || at >= count) return -1;
            packed /= packed_filters[a];
            index += at * step;
            step *= count;
        }
        return index;
    }

  private:
    // Points that are multiplied by the same filter lie next to each other.
    void place_points() {
        points = filters = 1;
        for (const AxisTransform<T>& axis : axes) {
            points *= axis.fmr->points;
            filters *= axis.fmr->filters;
        }
        int64_t inner = 1, outer = points / filters;
        for (int a = 2; a >= 0; --a) {
            const Fmr<T>& fmr = *axes[a].fmr;
            int64_t& step = fmr.filters == 1 ? inner : outer;
            place[a] = step;
            step *= fmr.points;
        }
    }
};

// Output channels that are computed together: their columns are those of each phase in turn.
struct ChannelBlock {
    int64_t first, channels;
};

// Columns of a phase group and channel block whose products are transformed before the next are
// computed.
struct NBlock {
    int64_t group, channel_block, first, columns, vectors;
    int64_t weights;  // where its weights begin, in those of a group of channels
    int64_t biases;   // and its biases
    int64_t runs, end_runs;
};

// Columns that are neighbours in the output: from a channel of a phase on, those of so many phases of
// the last axis.
struct ColumnRun {
    int64_t column, count, phase[3], channel, phases;
};

// Everything about the columns that needs neither weights nor a shape.
template <class T>
struct Columns {
    static constexpr int64_t lanes = Lanes<T>::count;

    explicit Columns(const Layer& layer) : phases(layer) {
        int64_t tiled_axes = 0, terms = phases.in, m[3];
        for (int a = 0; a < 3; ++a) {
            axes[a] = AxisTiling<T>::of(phases.axes[a], true);
            int64_t splits = 1;
            for (const AxisTransform<T>& group : axes[a].groups) splits = max(splits, group.splits);
            terms *= splits;
            // every axis about doubles the rounding errors of the products
            if (axes[a].m == 1) continue;
            ++tiled_axes;
            kc /= 2;
        }
        choose_tile(tiled_axes, terms, m);
        if (tiled_axes == 2 && m[0] == 4 && terms < 384) kc /= 2;  // near the limit
        for (int a = 0; a < 3; ++a) axes[a] = AxisTiling<T>::of(phases.axes[a], true, m[a]);
        depth = ceil_div(phases.in, lanes) * lanes;
        add_channel_blocks();
        for (int64_t g = 0; g < count_of(phases.all); ++g) {
            groups.emplace_back(phases, g, axes);
            const TileTransform<T>& group = groups.back();
            most_points = max(most_points, group.points);
            most_input = max(most_input, group.points * group.pitch);
            for (int64_t b = 0; b < count_of(channel_blocks); ++b) add_n_blocks(g, b);
        }
    }

    TileTransform<T> at_border(int64_t group, const Border* borders) const {
        TileTransform<T> transform = groups[static_cast<size_t>(group)];
        transform.at_border(borders);
        return transform;
    }

    // Tiles of a block, each of so many values of transformed input.
    static int64_t block_tiles(int64_t values) {
        const int64_t fits = input_bytes / (values * int64_t(sizeof(T)));
        return min(max(fits, fewest_block_tiles), most_block_tiles);
    }

    int64_t weight_bytes() const { return group_weights * int64_t(sizeof(T)); }

    const PhaseGroups phases;
    AxisTiling<T> axes[3];
    int64_t depth;           // input channels in whole vectors
    int64_t kc = tconv::TCONV_TARGET::kc;
    int64_t most_points = 1;    // of a tile
    int64_t most_input = 1;     // values of a tile's transformed input
    int64_t most_products = 0;  // of a tile and an N-block
    int64_t most_vectors = 0;   // of an N-block
    int64_t most_channels = 0;  // of a channel block
    int64_t group_weights = 0, group_biases = 0;  // of a group of channels
    std::vector<ChannelBlock> channel_blocks;
    std::vector<TileTransform<T>> groups;  // phase groups, away from the borders
    std::vector<NBlock> n_blocks;
    std::vector<ColumnRun> runs;

  private:
    // The m of F(m, 2) along each axis. Larger tiles take fewer products, and their rounding errors
    // are larger, whereas those of a plain sum grow with its terms: they are taken where they do not
    // exceed twice those.
    static void choose_tile(int64_t tiled_axes, int64_t terms, int64_t* m) {
        m[0] = m[1] = m[2] = 3;
        if (tiled_axes == 1) m[0] = m[1] = m[2] = terms >= 128 ? 5 : terms >= 64 ? 4 : 3;
        if (tiled_axes == 2 && terms >= 192) m[0] = m[1] = 4;
        if (tiled_axes == 2 && terms >= 128) m[2] = 4;
        if (tiled_axes == 3 && terms >= 256) m[2] = 4;
    }

    void add_channel_blocks() {
        int64_t fewest = phases.all[0].phases;
        for (const PhaseGroup& group : phases.all) fewest = min(fewest, group.phases);
        const int64_t least = max(ceil_div(block_vectors, fewest) * lanes, fewest_block_channels);
        const int64_t out = phases.out, count = out % lanes ? 1 : max(out / least, 1);
        for (int64_t b = 0; b < count; ++b) {
            const int64_t first = out / lanes * b / count * lanes;
            const int64_t end = b + 1 < count ? out / lanes * (b + 1) / count * lanes : out;
            channel_blocks.push_back({first, end - first});
            most_channels = max(most_channels, end - first);
        }
    }

    void add_n_blocks(int64_t group, int64_t channel_block) {
        const TileTransform<T>& g = groups[static_cast<size_t>(group)];
        const int64_t columns = g.phase_group->phases *
                                channel_blocks[static_cast<size_t>(channel_block)].channels;
        const int64_t vectors = ceil_div(columns, lanes);
        const int64_t tile = g.points * lanes * int64_t(sizeof(T));
        const int64_t fits =
            max(product_bytes / (tile * block_tiles(g.points * g.pitch)), tile_nr);
        const int64_t blocks = ceil_div(vectors, fits / tile_nr * tile_nr);
        const int64_t each = ceil_div(ceil_div(vectors, blocks), tile_nr) * tile_nr;
        for (int64_t v = 0; v < vectors; v += each) {
            const int64_t now = min(each, vectors - v);
            NBlock block{group, channel_block, v * lanes, min(now * lanes, columns - v * lanes),
                         now, group_weights, group_biases, count_of(runs), 0};
            add_runs(g, block);
            block.end_runs = count_of(runs);
            group_weights += g.filters * g.depth * now * lanes;
            group_biases += now * lanes;
            most_products = max(most_products, g.points * now * lanes);
            most_vectors = max(most_vectors, now);
            n_blocks.push_back(block);
        }
    }

    void add_runs(const TileTransform<T>& group, const NBlock& block) {
        const ChannelBlock& channels = channel_blocks[static_cast<size_t>(block.channel_block)];
        for (int64_t column = 0; column < block.columns;) {
            const int64_t at = block.first + column, channel = at % channels.channels;
            int64_t phase = at / channels.channels;
            ColumnRun run{column, min(channels.channels - channel, block.columns - column), {},
                          channels.first + channel, 1};
            for (int a = 2; a >= 0; --a) {
                const std::vector<int64_t>& all = group.phase_group->axes[a]->phases;
                run.phase[a] = all[static_cast<size_t>(phase % count_of(all))];
                phase /= count_of(all);
            }
            column += run.count;
            ColumnRun* const last = count_of(runs) > block.runs ? &runs.back() : nullptr;
            if (last && channels.channels == phases.layer.out_channels &&
                last->phase[0] == run.phase[0] && last->phase[1] == run.phase[1] &&
                last->phase[2] + last->phases == run.phase[2]) {
                last->count += run.count;
                ++last->phases;
            } else {
                runs.push_back(run);
            }
        }
    }
};

}  // namespace tconv::TCONV_TARGET::winograd::channel_lanes
