// Few channels a group: lanes lie along a row of the output, whose cells s·q, ..., s·q + s-1 stand
// in s vectors of positions q until they are interleaved and stored. The input is read where it
// lies, except near its borders, where rows are copied between zeros.
#pragma once

#include "algorithms/streaming/tile_plan.hpp"

namespace tconv::TCONV_TARGET::streaming {

template <class T>
class PackedStreaming final : public Packed<T> {
    static constexpr int64_t lanes = Lanes<T>::count;

    // What a task keeps from one tile to the next.
    struct TaskMemory {
        T* weights;  // arranged, of these
        int64_t group = -1, channel = 0;
        RowSection sections[3];  // left border, interior, right border
    };

    // A group of one image.
    struct Image {
        int64_t group;
        const T* x;
        T* y;
    };

  public:
    PackedStreaming(const StreamingRecipe<T>& recipe, const T* weight, const T* bias)
        : recipe_(recipe), layer_(recipe.layer), weight_(weight), bias_(bias) {}

    void run(const Shape& shape, const T* x, T* y, int threads,
             const Parallel& parallel) const override {
        const TilePlan plan(recipe_, shape);
        const int64_t tiles = plan.tiles[0] * plan.tiles[1] * plan.tiles[2];
        const int64_t items = tiles * shape.batch * layer_.groups;
        if (items == 0) return;
        const int64_t tasks = min(recipe_.estimate(shape, threads).tasks, items);
        const int64_t in = recipe_.in * shape.input[0] * shape.input[1] * shape.input[2];
        const int64_t out = recipe_.out * shape.output[0] * shape.output[1] * shape.output[2];
        parallel(tasks, [&](int64_t task) {
            Scratch frame;
            TaskMemory memory;
            memory.weights = frame.take<T>(max_rows * recipe_.in * kernel_size());
            for (int64_t i = items * task / tasks; i < items * (task + 1) / tasks; ++i) {
                const int64_t group = i / tiles / shape.batch;
                const int64_t at = i / tiles % shape.batch * layer_.groups + group;
                run_tile(shape, plan, i % tiles, {group, x + at * in, y + at * out}, memory);
            }
            if (plan.nontemporal) fence();
        });
    }

  private:
    int64_t kernel_size() const {
        return layer_.axes[0].kernel * layer_.axes[1].kernel * layer_.axes[2].kernel;
    }

    void run_tile(const Shape& shape, const TilePlan& plan, int64_t tile, const Image& image,
                  TaskMemory& memory) const {
        const int64_t left = tile % plan.tiles[2] * plan.tile[2];
        const int64_t right = min(left + plan.tile[2], plan.size[2]);
        // positions all of whose cells lie in the input, in whole steps
        int64_t inner = max(left, -plan.row.low);
        if (plan.nontemporal)
            for (int64_t i = 0; i < lanes && !aligned(image.y + inner * layer_.axes[2].stride); ++i)
                ++inner;
        const int64_t step = 4 * lanes;
        const int64_t room =
            min(right, shape.input[2] - plan.row.low - plan.row.reach) - inner;
        const int64_t outer = inner + room / step * step;
        const auto run = [&](RowSection& section, int64_t from, int64_t to, bool direct) {
            if (from >= to) return;
            if (!section.is(tile, from, to, direct))
                section.prepare(recipe_, shape, plan, tile, from, to, direct);
            run_section(shape, plan, section, image, memory);
        };
        if (room < 2 * step) {
            run(memory.sections[0], left, right, false);
            return;
        }
        run(memory.sections[0], left, inner, false);
        run(memory.sections[1], inner, outer, true);
        run(memory.sections[2], outer, right, false);
    }

    void run_section(const Shape& shape, const TilePlan& plan, const RowSection& section,
                     const Image& image, TaskMemory& memory) const {
        Scratch frame;
        const int64_t outputs = shape.output[0] * shape.output[1] * shape.output[2];
        RowBlock<T> b;
        b.channels = recipe_.in;
        b.x = section.direct ? image.x + section.left + plan.row.low
                             : copy_rows(shape, plan, section, image.x, frame);
        b.plane = section.plane;
        b.weights = kernel_size();
        b.at = plan.row.at.data();
        b.length = shape.output[2];
        b.stride = layer_.axes[2].stride;
        b.taps = recipe_.taps;
        b.epilogue = &recipe_.epilogue;
        b.activates = layer_.activation != Activation::none;
        b.nontemporal = plan.nontemporal;
        const int64_t out = recipe_.out;
        for (int64_t channel = 0, channels = 1; channel < out; channel += channels) {
            if (plan.by_channel) channels = recipe_.rows_at_once(out - channel);
            b.w = arrange(plan, image.group, channel, channels, memory);
            for (const RowGroup& rows : section.groups) {
                b.inputs = section.inputs.data() + rows.first_input;
                b.input_count = rows.inputs;
                const int64_t several = plan.by_channel ? channels : rows.count;
                T* const to = image.y + channel * outputs +
                              (rows.z * shape.output[1] + rows.y) * b.length;
                const int64_t step = plan.by_channel ? outputs : b.length;
                for (int64_t i = 0; i < several; ++i) {
                    const int64_t of = image.group * out + channel + (plan.by_channel ? i : 0);
                    b.to[i] = to + i * step;
                    b.start[i] = bias_ ? bias_[of] : T(0);
                }
                const ComputeRows<T> compute = compute_of<T>(recipe_.phases, several);
                for (b.phase = 0; b.phase < b.stride; b.phase += max_phases) {
                    b.first = plan.row.first.data() + b.phase;
                    b.phases = min(max_phases, b.stride - b.phase);
                    compute(b, section.left, section.right);
                }
            }
        }
    }

    // Rows of the input, from the first cell that the section's first position reads.
    const T* copy_rows(const Shape& shape, const TilePlan& plan, const RowSection& section,
                       const T* x, Scratch& frame) const {
        T* to = frame.take<T>(recipe_.in * section.plane + 4 * lanes);
        const T* const panel = to;
        const InputRange(&held)[2] = section.held;
        const int64_t from = section.left + plan.row.low, pitch = section.pitch;
        const int64_t before = min(max(-from, 0), pitch);
        const int64_t cells = max(min(shape.input[2] - from, pitch) - before, 0);
        for (int64_t channel = 0; channel < recipe_.in; ++channel)
            for (int64_t z = 0; z < held[0].count; ++z) {
                const int64_t plane = channel * shape.input[0] + held[0].low + z;
                const T* row = x + (plane * shape.input[1] + held[1].low) * shape.input[2] + from;
                for (int64_t r = 0; r < held[1].count; ++r, to += pitch, row += shape.input[2]) {
                    for (int64_t i = 0; i < before; ++i) to[i] = T(0);
                    int64_t i = before;
                    for (; i + lanes <= before + cells; i += lanes)
                        store<T>(to + i, load<T>(row + i));
                    for (; i < before + cells; ++i) to[i] = row[i];
                    for (; i < pitch; ++i) to[i] = T(0);
                }
            }
        return panel;
    }

    // Weights as the sums take them: [output channel][input channel][kernel row][phase, tap].
    const T* arrange(const TilePlan& plan, int64_t group, int64_t channel, int64_t channels,
                     TaskMemory& memory) const {
        if (memory.group == group && memory.channel == channel) return memory.weights;
        memory.group = group;
        memory.channel = channel;
        const int64_t cells = layer_.axes[2].kernel, rows = kernel_size() / cells;
        const int64_t* const kernel = plan.row.kernel.data();
        T* to = memory.weights;
        for (int64_t o = channel; o < channel + channels; ++o)
            for (int64_t i = 0; i < recipe_.in; ++i) {
                const int64_t pair = (group * recipe_.in + i) * recipe_.out + o;
                const T* from = weight_ + pair * rows * cells;
                for (int64_t k = 0; k < rows; ++k, to += cells, from += cells)
                    for (int64_t e = 0; e < cells; ++e) to[e] = from[kernel[e]];
            }
        return memory.weights;
    }

    const StreamingRecipe<T>& recipe_;
    const Layer& layer_;
    const T* weight_;
    const T* bias_;
};

template <class T>
std::unique_ptr<Packed<T>> StreamingRecipe<T>::pack(const T* weight, const T* bias) const {
    return std::make_unique<PackedStreaming<T>>(*this, weight, bias);
}

}  // namespace tconv::TCONV_TARGET::streaming
