// The phase product with lanes along output channels: weights are vectors, and inputs are broadcast
// from wherever they lie, so that a block takes any positions, of several rows or images. It reads
// and writes arrays with channels last in place; those with channels first are transposed, a tile at
// a time. Where all the phases' output channels are few, input channels stand in the lanes instead.
#pragma once

#include <optional>

#include "algorithms/channels/cost.hpp"
#include "algorithms/channels/staged_rows.hpp"
#include "heuristics/cache.hpp"
#include "heuristics/costs.hpp"
#include "registry.hpp"

namespace tconv::TCONV_TARGET::channels {

template <class T>
class ChannelsRecipe;

template <class T>
class PackedChannels final : public Packed<T> {
  public:
    PackedChannels(const ChannelsRecipe<T>& recipe, const T* weight, const T* bias)
        : layout_(recipe.layout()), packed_(layout_, weight, bias) {}

    void run(const Shape& shape, const T* x, T* y, int threads,
             const Parallel& parallel) const override {
        const TilePlan plan = plan_tiles(layout_, shape, threads);
        if (!plan.whole) fill_with_bias(layout_.layer, shape, packed_.biases(), y, parallel);
        const int64_t tiles = plan.count(), groups = layout_.layer.groups;
        if (tiles == 0) return;
        const int64_t blocks = count_of(layout_.channel_blocks);
        const int64_t wanted = ceil_div(tasks_per_thread * threads, tiles * groups);
        const int64_t splits = threads > 1 ? min(blocks, wanted) : 1;
        parallel(tiles * groups * splits, [&](int64_t task) {
            const int64_t split = task % splits, rest = task / splits;
            const ChannelBlock* const some = layout_.channel_blocks.data();
            run_tile(shape, plan, x, y, rest / tiles, rest % tiles, some + blocks * split / splits,
                     some + blocks * (split + 1) / splits);
        });
    }

  private:
    // Some channel blocks of a tile, of one group of channels.
    void run_tile(const Shape& shape, const TilePlan& plan, const T* x, T* y, int64_t group,
                  int64_t number, const ChannelBlock* first, const ChannelBlock* end) const {
        Scratch frame;
        const Layer& layer = layout_.layer;
        const Tile tile(layout_, plan, shape, number);
        const Region all_in = whole_region(shape.input), all_out = whole_region(shape.output);
        TileOperands<T> operands{layout_, packed_, shape, tile, group, nullptr, {}, nullptr, {}};
        operands.from = view_of(all_in, layer.in_channels);
        operands.x = x + tile.image * operands.from.image + group * layout_.in;
        if (!layout_.channels_last && all_in.cells() > 1) {
            operands.from = view_of(tile.in, layout_.in);
            T* const transposed = frame.take<T>(tile.images * operands.from.image);
            const int64_t channel = tile.image * layer.in_channels + group * layout_.in;
            transpose_in(shape.input, tile.in, tile.images, layer.in_channels, layout_.in,
                         x + channel * all_in.cells(), transposed);
            operands.x = transposed;
        }
        const bool nontemporal = bytes_moved<T>(layer, shape, false) >= nontemporal_bytes;
        std::optional<OutputStaging<T>> staging;
        if (layout_.staged) {
            const int64_t rows = staged_positions(layout_);
            staging.emplace(frame, rows * layout_.row_width(), rows, nontemporal);
        }
        const bool transposes = !layout_.channels_last && all_out.cells() > 1;
        for (const ChannelBlock* some = first; some < end; ++some) {
            const int64_t channel = group * layout_.out + some->first;
            if (transposes) {
                run_transposed(shape, plan, operands, *some, channel, y);
                continue;
            }
            operands.to = view_of(all_out, layer.out_channels);
            operands.y = y + tile.image * operands.to.image + channel;
            if (staging)
                multiply_staged(operands, *some, *staging);
            else
                multiply(operands, *some);
        }
        if (!staging) return;
        staging->finish();
        if (nontemporal) fence();
    }

    void multiply(const TileOperands<T>& tile, const ChannelBlock& some) const {
        for (int64_t i = 0; i < some.blocks; ++i) {
            const NBlock& block = layout_.blocks[some.first_block + i];
            if (stamps(layout_, block, tile.shape))
                stamp(tile, block);
            else
                each_region(layout_.layer, tile.shape, tile.tile.positions, block,
                            [&](const TapRegion& region) { multiply_region(tile, region, block); });
        }
    }

    // Through a copy of the tile's output with channels last.
    void run_transposed(const Shape& shape, const TilePlan& plan, TileOperands<T>& operands,
                        const ChannelBlock& some, int64_t channel, T* y) const {
        Scratch frame;
        const Tile& tile = operands.tile;
        const int64_t cells = whole_region(shape.output).cells(), all = layout_.layer.out_channels;
        operands.to = view_of(tile.out, some.channels);
        operands.y = frame.take<T>(tile.images * operands.to.image);
        if (!plan.whole)
            fill_with_bias(layout_.layer, packed_.biases() + channel, some.channels,
                           tile.images * tile.out.cells(), operands.y);
        multiply(operands, some);
        transpose_out(shape.output, tile.out, tile.images, all, some.channels, operands.y,
                      y + (tile.image * all + channel) * cells);
    }

    const ColumnLayout<T>& layout_;
    PackedColumns<T> packed_;
};

template <class T>
class ChannelsRecipe final : public Recipe<T> {
  public:
    static const char* unsupported_reason(const Layer&) { return nullptr; }

    explicit ChannelsRecipe(const Layer& layer) : layout_(layer) {}

    const ColumnLayout<T>& layout() const { return layout_; }

    Cost estimate(const Shape& shape, int threads) const override {
        return estimate_columns(layout_, shape, threads);
    }
    std::unique_ptr<Packed<T>> pack(const T* weight, const T* bias) const override {
        return std::make_unique<PackedChannels<T>>(*this, weight, bias);
    }

  private:
    ColumnLayout<T> layout_;
};

}  // namespace tconv::TCONV_TARGET::channels
