// The output transform with lanes along channels, and the pixels of the output.
#pragma once

#include "algorithms/winograd/channels_input.hpp"

namespace tconv::TCONV_TARGET::winograd::channel_lanes {

template <class T>
class OutputTransform {
    static constexpr int64_t lanes = Lanes<T>::count;

  public:
    OutputTransform(const WinogradChannelsRecipe<T>& recipe, const Shape& shape,
                    bool nontemporal, Scratch& scratch)
        : recipe_(recipe), columns_(recipe.columns), shape_(shape), nontemporal_(nontemporal) {
        planes_ = scratch.take<T>(columns_.most_products + lanes);
        rows_ = scratch.take<T>(columns_.most_products + lanes);
    }

    // The products of one tile and N-block to outputs; `first` is the channel that stands at block.y.
    void run(const TileBlock<T>& block, const NBlock& n_block, const T* biases, int64_t first,
             int64_t tile) const {
        const TileTransform<T>& t = block.transform;
        const Fmr<T>*const z = t.axes[0].fmr, *const y = t.axes[1].fmr;
        const int64_t points = t.axes[2].fmr->points, width = n_block.vectors * lanes;
        const int64_t step = block.all * width;
        const T* from = block.products + tile * width;
        int64_t place[3];  // from a point to the next
        for (int a = 0; a < 3; ++a) place[a] = t.place[a] * step;
        const auto read_from = [&](const T* at, int64_t plane, int64_t row) {
            from = at;
            place[0] = plane;
            place[1] = row;
            place[2] = width;
        };
        const int64_t row = points * width;
        if (z->filters > 1) {
            const int64_t plane = y->points * row;
            for (int64_t j = 0; j < y->points; ++j)
                z->output({from + j * place[1], place[0], place[2], planes_ + j * row, plane, width,
                           points, n_block.vectors});
            read_from(planes_, plane, row);
        }
        if (y->filters > 1) {
            const int64_t plane = y->m * row;
            for (int64_t i = 0; i < z->m; ++i)
                y->output({from + i * place[0], place[1], place[2], rows_ + i * plane, row, width,
                           points, n_block.vectors});
            read_from(rows_, plane, row);
        }
        int64_t image, at[3];
        block.position(tile, &image, at);
        for (int64_t i = 0; i < z->m; ++i)
            for (int64_t j = 0; j < y->m; ++j) {
                const int64_t q[3] = {at[0] + i, at[1] + j, at[2]};
                write_row(block, n_block, biases, first, image, q,
                          from + i * place[0] + j * place[1], place[2]);
            }
    }

  private:
    // Outputs of one row of a tile, which starts at position q.
    void write_row(const TileBlock<T>& block, const NBlock& n_block, const T* biases,
                   int64_t first, int64_t image, const int64_t* q, const T* from,
                   int64_t step) const {
        const int64_t* const out = shape_.output;
        const Axis* const axes = recipe_.layer.axes;
        const int64_t channels = block.to.axis[2], stride = axes[2].stride;
        const Fmr<T>& fmr = *block.transform.axes[2].fmr;
        const int64_t outputs = fmr.m;
        int64_t base[3];
        for (int a = 0; a < 3; ++a) base[a] = q[a] * axes[a].stride - shape_.crop[a];
        for (int64_t r = n_block.runs; r < n_block.end_runs; ++r) {
            const ColumnRun& run = columns_.runs[static_cast<size_t>(r)];
            const int64_t oz = base[0] + run.phase[0], oy = base[1] + run.phase[1];
            if (oz < 0 || oz >= out[0] || oy < 0 || oy >= out[1]) continue;
            T* const line = block.y + block.to.of(image, oz, oy, 0) - first;
            bool cut = false;  // whether the output ends within the run's phases
            const auto put = [&](int64_t column, int64_t count, int64_t phase, int64_t channel,
                                 int64_t phases) {
                PixelOutputs<T> pixels{from + column, step, {}, biases + column, count,
                                       outputs * stride * channels, recipe_.epilogue.relu(),
                                       nontemporal_};
                for (int64_t j = 0; j < outputs; ++j) {
                    const int64_t ox = base[2] + phase + j * stride;
                    const bool inside = ox >= 0 && ox + phases <= out[2];
                    cut = cut || (!inside && ox + phases > 0 && ox < out[2]);
                    pixels.to[j] = inside ? line + ox * channels + channel : nullptr;
                }
                if (cut) return;
                fmr.output_pixels(pixels);
                if (recipe_.epilogue.in_registers()) return;
                for (int64_t j = 0; j < outputs; ++j)
                    if (pixels.to[j]) recipe_.epilogue.finish(pixels.to[j], count);
            };
            put(run.column, run.count, run.phase[2], run.channel, run.phases);
            if (!cut) continue;
            cut = false;
            const ChannelBlock& some =
                columns_.channel_blocks[static_cast<size_t>(n_block.channel_block)];
            int64_t channel = run.channel, phase = run.phase[2];
            for (int64_t column = 0; column < run.count; ++phase, channel = some.first) {
                const int64_t count =
                    min(some.first + some.channels - channel, run.count - column);
                put(run.column + column, count, phase, channel, 1);
                column += count;
            }
        }
    }

    const WinogradChannelsRecipe<T>& recipe_;
    const Columns<T>& columns_;
    const Shape& shape_;
    const bool nontemporal_;
    T *planes_, *rows_;
};

}  // namespace tconv::TCONV_TARGET::winograd::channel_lanes
