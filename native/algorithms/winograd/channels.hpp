// Winograd's algorithm with lanes along channels: cells are transformed without a shuffle, a product
// takes any tiles of several rows or images, and outputs are written where their channels lie. Arrays
// with channels first are transposed, a block of tiles at a time.
#pragma once

#include "algorithms/combining.hpp"
#include "algorithms/winograd/channels_filter.hpp"
#include "algorithms/winograd/channels_input.hpp"
#include "algorithms/winograd/channels_output.hpp"

namespace tconv::TCONV_TARGET::winograd::channel_lanes {

template <class T>
class WinogradChannels final : public Combining<T> {
    static constexpr int64_t lanes = Lanes<T>::count;

  public:
    WinogradChannels(const WinogradChannelsRecipe<T>& recipe, const T* weight, const T* bias)
        : Combining<T>(recipe.layer, weight, bias),
          recipe_(recipe),
          columns_(recipe.columns),
          layer_(recipe.layer),
          in_(recipe.phases.in),
          out_(recipe.phases.out),
          bias_(bias_or_zeros(layer_, bias)),
          filters_(columns_, weight, bias_.data()) {}

  protected:
    void combine(const Shape& shape, const T* x, T* y, int threads, const Parallel& parallel,
                 Patches& again) const override {
        const TilePlan plan = recipe_.tile_plan(shape, threads);
        if (!plan.whole) fill_with_bias(layer_, shape, bias_.data(), y, parallel);
        if (plan.regions == 0) return;
        const int64_t blocks = plan.count(), channel_blocks = count_of(columns_.channel_blocks);
        const int64_t splits = recipe_.splits_of(blocks * layer_.groups, threads);
        parallel(blocks * layer_.groups * splits, [&](int64_t task) {
            const int64_t split = task % splits, block = task / splits % blocks;
            run_task(shape, plan, task / splits / blocks, block, channel_blocks * split / splits,
                     channel_blocks * (split + 1) / splits, x, y, again);
        });
    }

  private:
    // Blocks that read the same weights one after the other.
    struct Task {
        const Shape& shape;
        int64_t group;
        std::vector<TileBlock<T>> blocks;
        T *input, *products;            // of all blocks
        int64_t first = 0;              // channel that stands at the blocks' y
        int64_t transformed = -1;       // the phase group whose input is transformed
        std::vector<Patch> again{};     // tiles whose inputs are not all of ordinary size
    };

    void run_task(const Shape& shape, const TilePlan& plan, int64_t group, int64_t index,
                  int64_t first, int64_t end, const T* x, T* y, Patches& again) const {
        Scratch scratch;
        Task task{shape, group, blocks_of(shape, plan, index, scratch), nullptr, nullptr};
        const bool channels_first = layer_.layout == Layout::channels_first;
        const Region all_in = whole_region(shape.input), all_out = whole_region(shape.output);
        const bool transposed_in = channels_first && all_in.cells() > 1;
        const bool transposed_out = channels_first && all_out.cells() > 1;
        int64_t tiles = 0, outputs = 0;  // outputs of a channel
        for (TileBlock<T>& b : task.blocks) {
            tiles += b.all;
            outputs += b.images * b.out.cells();
            b.from = transposed_in ? view_of(b.in, in_) : view_of(all_in, layer_.in_channels);
            b.x = x + b.image * b.from.image + group * in_;
            if (!transposed_in) continue;
            T* const cells = scratch.take<T>(b.images * b.in.cells() * in_ + lanes);
            transpose_in(shape.input, b.in, b.images, layer_.in_channels, in_,
                         x + (b.image * layer_.in_channels + group * in_) * all_in.cells(), cells);
            b.x = cells;
        }
        task.input = scratch.take<T>(tiles * columns_.most_input);
        // a register block of a cut run ends in any lane
        task.products = scratch.take<T>(tiles * columns_.most_products + lanes);
        const bool nontemporal = plan.nontemporal && !transposed_out;
        const InputTransform<T> input(columns_, shape, scratch);
        const OutputTransform<T> output(recipe_, shape, nontemporal, scratch);
        if (!transposed_out) {
            for (TileBlock<T>& b : task.blocks) {
                b.to = view_of(all_out, layer_.out_channels);
                b.y = y + b.image * b.to.image + group * out_;
            }
            run_channels(task, first, end, input, output);
            if (nontemporal) fence();
            again.add(task.again);
            return;
        }
        for (int64_t stop; first < end; first = stop) {
            stop = channels_to_transpose(first, end, outputs);
            task.first = columns_.channel_blocks[static_cast<size_t>(first)].first;
            const int64_t channels = channels_of(first, stop), channel = group * out_ + task.first;
            Scratch inner;
            T* to = inner.take<T>(outputs * channels);
            if (!plan.whole)
                fill_with_bias(layer_, bias_.data() + channel, channels, outputs, to);
            for (TileBlock<T>& b : task.blocks) {
                b.to = view_of(b.out, channels);
                b.y = to;
                to += b.images * b.to.image;
            }
            run_channels(task, first, stop, input, output);
            for (const TileBlock<T>& b : task.blocks)
                transpose_out(shape.output, b.out, b.images, layer_.out_channels, channels, b.y,
                              y + (b.image * layer_.out_channels + channel) * all_out.cells());
        }
        again.add(task.again);
    }

    // A block of tiles, and with the first of the interior those that join it.
    std::vector<TileBlock<T>> blocks_of(const Shape& shape, const TilePlan& plan, int64_t index,
                                        Scratch& scratch) const {
        std::vector<TileBlock<T>> blocks;
        int64_t r = 0;
        for (; plan.region[r].joins || index >= plan.region[r].count(); ++r)
            if (!plan.region[r].joins) index -= plan.region[r].count();
        blocks.push_back(block_of(shape, plan.images, plan.region[r], index, scratch));
        for (int64_t i = 1; i < plan.regions && r == 0 && index == 0; ++i)
            if (plan.region[i].joins)
                blocks.push_back(block_of(shape, plan.images, plan.region[i], 0, scratch));
        return blocks;
    }

    TileBlock<T> block_of(const Shape& shape, int64_t images, const TileRegion& region,
                          int64_t index, Scratch& scratch) const {
        TileBlock<T> b(region, columns_.groups[0],
                       scratch.take<int64_t>(ceil_div(columns_.most_vectors, tile_nr)));
        for (int a = 2; a >= 0; --a) {
            const AxisTiling<T>& axis = columns_.axes[a];
            const int64_t first = index % region.blocks[a] * region.block[a];
            const int64_t m = region.m[a], s = layer_.axes[a].stride;
            index /= region.blocks[a];
            b.tiles[a] = min(region.block[a], region.tiles[a] - first);
            b.tile[a] = region.first[a] + first * m;
            const int64_t cell = b.tile[a] - recipe_.phases.axes[a].high;
            const int64_t cells = b.tiles[a] * m + axis.cells - axis.m;
            const int64_t output = b.tile[a] * s - shape.crop[a];
            const int64_t outputs = b.tiles[a] * m * s;
            b.in.start[a] = max(cell, 0);
            b.in.count[a] = max(min(cell + cells, shape.input[a]) - b.in.start[a], 0);
            b.out.start[a] = max(output, 0);
            b.out.count[a] = max(min(output + outputs, shape.output[a]) - b.out.start[a], 0);
        }
        b.image = index * region.block_images;
        b.images = min(region.block_images, images - b.image);
        b.all = b.images * b.tiles[0] * b.tiles[1] * b.tiles[2];
        return b;
    }

    int64_t channels_of(int64_t first_block, int64_t end_block) const {
        const ChannelBlock& last = columns_.channel_blocks[static_cast<size_t>(end_block - 1)];
        return last.first + last.channels -
               columns_.channel_blocks[static_cast<size_t>(first_block)].first;
    }

    // The end of the channel blocks, from one on, that may wait to be transposed; `outputs` of each
    // channel.
    int64_t channels_to_transpose(int64_t block, int64_t end_block, int64_t outputs) const {
        const int64_t each = outputs * int64_t(sizeof(T));
        int64_t end = block + 1;
        while (end < end_block && channels_of(block, end + 1) * each <= output_bytes) ++end;
        return end;
    }

    // The N-blocks of some channel blocks.
    void run_channels(Task& task, int64_t first, int64_t end, const InputTransform<T>& input,
                      const OutputTransform<T>& output) const {
        int64_t group = -1;
        for (const NBlock& n : columns_.n_blocks) {
            if (n.channel_block < first || n.channel_block >= end) continue;
            const int64_t width = n.vectors * lanes;
            bool any = false;
            for (TileBlock<T>& b : task.blocks) {
                if (n.group != group) b.transform = columns_.at_border(n.group, b.region->border);
                find_columns(task.shape, n, b);
                any = any || b.wanted > 0;
            }
            group = n.group;
            if (!any) continue;
            if (task.transformed != group) {
                task.transformed = group;
                transform(task, input);
            }
            T* to = task.products;
            for (TileBlock<T>& b : task.blocks) {
                b.products = to;
                to += b.transform.points * b.all * width;
            }
            const TileTransform<T>& packed = columns_.groups[static_cast<size_t>(group)];
            const T* weights = filters_.weights(task.group, n);
            for (int64_t e = 0; e < packed.filters; ++e, weights += width * packed.depth)
                for (const TileBlock<T>& b : task.blocks) {
                    const int64_t filter = b.transform.filter_index(e);
                    if (filter >= 0 && b.wanted > 0) multiply(b, n, filter, weights);
                }
            const T* const biases = filters_.biases(task.group, n);
            for (const TileBlock<T>& b : task.blocks)
                for (int64_t tile = 0; tile < b.all && b.wanted > 0; ++tile)
                    output.run(b, n, biases, task.first, tile);
        }
    }

    // The input of all tiles to their points.
    void transform(Task& task, const InputTransform<T>& input) const {
        T* to = task.input;
        for (TileBlock<T>& b : task.blocks) {
            const TileTransform<T>& t = b.transform;
            b.input = to;
            for (int64_t tile = 0; tile < b.all; ++tile) {
                typename Lanes<T>::V squares{};
                for (int64_t split = 0; split < t.splits; ++split)
                    squares += input.run(b, tile, split, to + tile * t.pitch + split * in_,
                                         b.all * t.pitch);
                if (ordinary<T>(squares)) continue;
                const int64_t* const m = b.region->m;
                Patch patch{0, task.group, {}, {m[0], m[1], m[2]}};
                b.position(tile, &patch.image, patch.first);
                patch.image += b.image;
                task.again.push_back(patch);
            }
            to += t.points * b.all * t.pitch;
        }
    }

    // Where the register blocks of an N-block begin that have outputs in the block's region.
    void find_columns(const Shape& shape, const NBlock& n, TileBlock<T>& b) const {
        const int64_t channels =
            columns_.channel_blocks[static_cast<size_t>(n.channel_block)].channels;
        b.wanted = 0;
        for (int64_t v = 0; v < n.vectors; v += tile_nr) {
            const int64_t first = n.first + v * lanes;
            const int64_t end = n.first + min((v + tile_nr) * lanes, n.columns);
            bool some = b.region->interior();
            for (int64_t p = first / channels; p * channels < end && !some; ++p)
                some = recipe_.has_outputs(shape, *b.region, *b.transform.phase_group, p);
            if (some) b.columns[b.wanted++] = v;
        }
    }

    // At the points of one filter: a KC block of all tiles and columns at a time.
    void multiply(const TileBlock<T>& b, const NBlock& n, int64_t filter, const T* weights) const {
        const TileTransform<T>& t = b.transform;
        const int64_t width = n.vectors * lanes;
        const int64_t all = t.points / t.filters * b.all, groups = ceil_div(all, tile_mr);
        const int64_t fewest = all / groups, longer = all % groups;  // rows; groups of one more
        const T* const input = b.input + filter * all * t.pitch;
        T* const products = b.products + filter * all * width;
        const auto columns_at = [&](int64_t v) { return min(tile_nr, n.vectors - v) * lanes; };
        const auto weights_at = [&](int64_t i, int64_t c) {
            return weights + b.columns[i] * lanes * t.depth + c * columns_at(b.columns[i]);
        };
        for (int64_t c = 0; c < t.depth; c += kc_cached)
            for (int64_t i = 0; i < b.wanted; ++i) {
                const int64_t v = b.columns[i], columns = columns_at(v);
                const int64_t channels = min(kc_cached, t.depth - c), next = c + kc_cached;
                const T* const after = i + 1 < b.wanted ? weights_at(i + 1, c)
                                       : next < t.depth ? weights_at(0, next)
                                                        : weights_at(0, 0) + width * t.depth;
                for (int64_t j = 0, first = 0; j < groups; ++j) {
                    const int64_t rows = fewest + (j < longer);
                    tile_kernel_of<T>({channels, columns_.kc, input + first * t.pitch + c, t.pitch,
                                       weights_at(i, c), after + j % tile_nr * channels * lanes,
                                       products + first * width + v * lanes, width, c > 0},
                                      rows, columns / lanes);
                    first += rows;
                }
            }
    }

    const WinogradChannelsRecipe<T>& recipe_;
    const Columns<T>& columns_;
    const Layer& layer_;
    const int64_t in_, out_;
    const Buffer<T> bias_;
    const Filters<T> filters_;
};

template <class T>
std::unique_ptr<Packed<T>> WinogradChannelsRecipe<T>::pack(const T* weight, const T* bias) const {
    return std::make_unique<WinogradChannels<T>>(*this, weight, bias);
}

}  // namespace tconv::TCONV_TARGET::winograd::channel_lanes
