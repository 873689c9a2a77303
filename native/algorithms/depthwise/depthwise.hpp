// Depthwise with channels last: lanes lie along channels, each of which has an input of its own. A
// row of the output is computed from the rows of the input that reach it, in blocks of positions
// and of phases that read the same cells; each of its cells is written once.
#pragma once

#include <vector>

#include "algorithms/depthwise/kernel.hpp"
#include "epilogue.hpp"
#include "heuristics/costs.hpp"
#include "problem/phases.hpp"
#include "registry.hpp"

namespace tconv::TCONV_TARGET::depthwise {

// An element of the kernel, and how many inputs before its position it reads.
struct KernelElement {
    int64_t kernel, offset;
};

// Phases of a row that have the same taps.
struct RowPhases {
    std::vector<int64_t> phases, to;  // and how far from phase 0 each is written
    std::vector<PhaseTap> taps;
};

template <class T>
class DepthwiseRecipe final : public Recipe<T> {
    static constexpr int64_t lanes = Lanes<T>::count;

  public:
    static const char* unsupported_reason(const Layer& layer) {
        if (layer.layout != Layout::channels_last) return "only with channels last";
        if (layer.in_channels != layer.groups || layer.out_channels != layer.groups)
            return "its groups are not of one input and one output channel";
        return layer.groups < lanes ? "its channels are fewer than a vector's lanes" : nullptr;
    }

    explicit DepthwiseRecipe(const Layer& given) : layer(given), epilogue(given) {
        const Axis* const axes = layer.axes;
        for (int a = 0; a < 2; ++a) {
            elements[a].resize(static_cast<size_t>(axes[a].stride));
            for (int64_t k = 0; k < axes[a].kernel; ++k) {
                const int64_t u = k * axes[a].dilation;
                elements[a][static_cast<size_t>(u % axes[a].stride)].push_back(
                    {k, u / axes[a].stride});
            }
        }
        for (const auto& of : elements) {
            int64_t most = 0;
            for (const std::vector<KernelElement>& phase : of) most = max(most, count_of(phase));
            input_rows *= most;
        }
        const AxisGroups groups = axis_groups_of(axes[2]);
        std::vector<bool> has_taps(static_cast<size_t>(axes[2].stride));
        for (const AxisGroup& group : groups.groups) {
            add_phases(group);
            for (const int64_t r : group.phases) has_taps[static_cast<size_t>(r)] = true;
        }
        AxisGroup none;
        for (int64_t r = 0; r < axes[2].stride; ++r)
            if (!has_taps[static_cast<size_t>(r)]) none.phases.push_back(r);
        none.kernels.resize(none.phases.size());
        add_phases(none);
    }

    Cost estimate(const Shape& shape, int) const override {
        const auto number = [](int64_t v) { return static_cast<double>(v); };
        Cost c;
        c.products = number(shape.batch * ceil_div(layer.groups, lanes));
        c.packing = packing_cost * number(layer.groups);
        double vectors = c.products;
        for (int a = 0; a < 3; ++a) {
            c.products *= number(products_along(layer.axes[a], shape, a));
            c.packing *= number(layer.axes[a].kernel);
            vectors *= number(shape.output[a]);
        }
        c.others = vector_cost * vectors + row_cost * number(rows(shape));
        c.bytes = bytes_moved<T>(layer, shape);
        c.tasks = static_cast<int64_t>((c.products + c.others) / task_work) + 1;
        return c;
    }

    std::unique_ptr<Packed<T>> pack(const T* weight, const T* bias) const override;

    static int64_t rows(const Shape& shape) {
        return shape.batch * shape.output[0] * shape.output[1];
    }

    Layer layer;
    Epilogue<T> epilogue;
    std::vector<std::vector<KernelElement>> elements[2];  // of each phase of the first two axes
    int64_t input_rows = 1;             // that reach an output row, at most
    std::vector<RowPhases> row_phases;  // of the last axis
    int64_t taps = 0;                   // of them all

  private:
    // Pairs of an input and an output of one axis that some element of the kernel joins.
    static int64_t products_along(const Axis& axis, const Shape& shape, int a) {
        int64_t all = 0;
        for (int64_t k = 0; k < axis.kernel; ++k) {
            const int64_t u = shape.crop[a] - k * axis.dilation;
            all += max(0, min(shape.input[a], ceil_div(u + shape.output[a], axis.stride)) -
                              max(0, ceil_div(u, axis.stride)));
        }
        return all;
    }

    void add_phases(const AxisGroup& group) {
        const int64_t channels = layer.groups, all = count_of(group.phases);
        const int64_t blocks = ceil_div(all, max_phases);
        for (int64_t b = 0; b < blocks; ++b) {
            const auto first = static_cast<size_t>(all * b / blocks);
            const auto end = static_cast<size_t>(all * (b + 1) / blocks);
            RowPhases some;
            for (size_t p = first; p < end; ++p) {
                some.phases.push_back(group.phases[p]);
                some.to.push_back(group.phases[p] * channels);
            }
            for (size_t t = 0; t < group.offsets.size(); ++t) {
                PhaseTap tap{-group.offsets[t] * channels, {}};
                for (size_t p = first; p < end; ++p)
                    tap.w[p - first] = group.kernels[p][t] * channels;
                some.taps.push_back(tap);
            }
            taps += count_of(some.taps);
            row_phases.push_back(some);
        }
    }
};

template <class T>
class PackedDepthwise final : public Packed<T> {
  public:
    PackedDepthwise(const DepthwiseRecipe<T>& recipe, const T* weight, const T* bias)
        : recipe_(recipe), layer_(recipe.layer), channels_(layer_.groups),
          starts_(bias_or_zeros(layer_, bias)) {
        const Axis* const axes = layer_.axes;
        const int64_t kernel = axes[0].kernel * axes[1].kernel * axes[2].kernel;
        T* const packed = packed_.grow(kernel * channels_);
        for (int64_t c = 0; c < channels_; ++c)
            for (int64_t k = 0; k < kernel; ++k) packed[k * channels_ + c] = weight[c * kernel + k];
    }

    void run(const Shape& shape, const T* x, T* y, int threads,
             const Parallel& parallel) const override {
        const int64_t s = layer_.axes[2].stride, rows = recipe_.rows(shape);
        const int64_t first = floor_div(shape.crop[2], s);
        const int64_t positions = ceil_div(shape.crop[2] + shape.output[2], s) - first;
        if (rows * positions == 0) return;
        const int64_t wanted = recipe_.estimate(shape, threads).tasks;
        const int64_t parts = min(ceil_div(wanted, rows), ceil_div(positions, row_positions));
        const int64_t units = rows * parts, tasks = min(units, wanted);
        const std::vector<Interior> interiors = interiors_of(shape);
        const int64_t most = recipe_.input_rows;
        parallel(tasks, [&](int64_t task) {
            Scratch frame;
            const Workspace work{frame.take<InputRow>(most),
                                 frame.take<PhaseTap>(most * recipe_.taps),
                                 frame.take<PhaseTap>(most * recipe_.taps)};
            for (int64_t u = units * task / tasks; u < units * (task + 1) / tasks; ++u)
                run_row(shape, interiors, u / parts, first + positions * (u % parts) / parts,
                        first + positions * (u % parts + 1) / parts, x, y, work);
        });
    }

  private:
    // Positions at which phases have all their taps in the input and are in the output themselves.
    struct Interior {
        int64_t start, end;
    };

    // An input row that reaches an output row, and the row of the kernel by which it does.
    struct InputRow {
        int64_t x, w;
    };

    // For an output row: its input rows, all their taps, and those of a position at the border.
    struct Workspace {
        InputRow* inputs;
        PhaseTap *taps, *border;
    };

    // Where the inputs are, and where phase 0 of position 0 of an output row goes.
    struct OutputRow {
        const T* x;
        T* y;
        const InputRow* inputs;
        int64_t input_count;
        PhaseTap* border;
    };

    std::vector<Interior> interiors_of(const Shape& shape) const {
        const int64_t s = layer_.axes[2].stride, crop = shape.crop[2];
        std::vector<Interior> all;
        for (const RowPhases& some : recipe_.row_phases) {
            Interior now{ceil_div(crop - some.phases.front(), s),
                         ceil_div(crop + shape.output[2] - some.phases.back(), s)};
            if (!some.taps.empty()) {
                now.start = max(now.start, -some.taps.back().x / channels_);
                now.end = min(now.end, shape.input[2] - some.taps.front().x / channels_);
            }
            all.push_back(now);
        }
        return all;
    }

    // Calls f(input, element of the kernel) for those that make one output of an axis.
    template <class F>
    void each_product(const Shape& shape, int a, int64_t output, const F& f) const {
        const int64_t u = output + shape.crop[a], s = layer_.axes[a].stride;
        const int64_t q = floor_div(u, s);
        for (const KernelElement& e : recipe_.elements[a][static_cast<size_t>(u - q * s)])
            if (q >= e.offset && q - e.offset < shape.input[a]) f(q - e.offset, e.kernel);
    }

    // Taps for every input row, from one of the phases on.
    static PhaseTap* put_taps(const OutputRow& row, const PhaseTap* first, const PhaseTap* end,
                              int64_t phase, PhaseTap* to) {
        for (int64_t i = 0; i < row.input_count; ++i)
            for (const PhaseTap* tap = first; tap < end; ++tap, ++to) {
                to->x = row.inputs[i].x + tap->x;
                for (int64_t p = phase; p < max_phases; ++p)
                    to->w[p - phase] = row.inputs[i].w + tap->w[p];
            }
        return to;
    }

    // Positions [first, end) of a row of the output.
    void run_row(const Shape& shape, const std::vector<Interior>& interiors, int64_t row,
                 int64_t first, int64_t end, const T* x, T* y, const Workspace& work) const {
        const int64_t* const in = shape.input;
        const Axis* const axes = layer_.axes;
        const int64_t plane = row / shape.output[1], image = plane / shape.output[0];
        const int64_t oz = plane % shape.output[0], oy = row % shape.output[1];
        int64_t count = 0;
        each_product(shape, 0, oz, [&](int64_t iz, int64_t kz) {
            each_product(shape, 1, oy, [&](int64_t iy, int64_t ky) {
                work.inputs[count++] = {((image * in[0] + iz) * in[1] + iy) * in[2] * channels_,
                                        (kz * axes[1].kernel + ky) * axes[2].kernel * channels_};
            });
        });
        const OutputRow at{x, y + (row * shape.output[2] - shape.crop[2]) * channels_, work.inputs,
                           count, work.border};
        PhaseTap* to = work.taps;
        for (const RowPhases& some : recipe_.row_phases)
            to = put_taps(at, some.taps.data(), some.taps.data() + some.taps.size(), 0, to);
        const int64_t pieces = ceil_div(end - first, row_positions);
        for (int64_t p = 0; p < pieces; ++p) {
            const int64_t low = first + (end - first) * p / pieces;
            const int64_t high = first + (end - first) * (p + 1) / pieces;
            const PhaseTap* tap = work.taps;
            for (size_t g = 0; g < recipe_.row_phases.size(); ++g)
                tap = run_phases(shape, recipe_.row_phases[g], interiors[g], low, high, tap, at);
        }
        const int64_t low = max(first * axes[2].stride, shape.crop[2]);
        const int64_t high = min(end * axes[2].stride, shape.crop[2] + shape.output[2]);
        recipe_.epilogue.finish(at.y + low * channels_, (high - low) * channels_);
    }

    // Returns where the next phases' taps are.
    const PhaseTap* run_phases(const Shape& shape, const RowPhases& some, const Interior& interior,
                               int64_t first, int64_t end, const PhaseTap* tap,
                               const OutputRow& row) const {
        const int64_t phases = count_of(some.phases);
        const int64_t taps = row.input_count * count_of(some.taps);
        const int64_t start = min(max(first, interior.start), end);
        const int64_t stop = max(min(end, interior.end), start);
        for (int64_t q = first; q < start; ++q) run_border(shape, some, q, row);
        const int64_t blocks = ceil_div(stop - start, max_positions(phases));
        for (int64_t b = 0; b < blocks; ++b) {
            const int64_t q = start + (stop - start) * b / blocks;
            const int64_t next = start + (stop - start) * (b + 1) / blocks;
            run_block(tap, taps, some.to.data(), phases, q, next - q, row);
        }
        for (int64_t q = stop; q < end; ++q) run_border(shape, some, q, row);
        return tap + taps;
    }

    // The phases of one position that are in the output, by the taps that are in the input.
    void run_border(const Shape& shape, const RowPhases& some, int64_t q,
                    const OutputRow& row) const {
        const int64_t u = q * layer_.axes[2].stride - shape.crop[2];
        const int64_t *phase = some.phases.data(), *end_phase = phase + some.phases.size();
        while (phase < end_phase && u + *phase < 0) ++phase;
        while (phase < end_phase && u + end_phase[-1] >= shape.output[2]) --end_phase;
        if (phase == end_phase) return;
        const PhaseTap *tap = some.taps.data(), *end = tap + some.taps.size();
        while (tap < end && q * channels_ + tap->x >= shape.input[2] * channels_) ++tap;
        while (tap < end && q * channels_ + end[-1].x < 0) --end;
        const int64_t first = phase - some.phases.data();
        const int64_t count = row.input_count * (end - tap);
        put_taps(row, tap, end, first, row.border);
        run_block(row.border, count, some.to.data() + first, end_phase - phase, q, 1, row);
    }

    void run_block(const PhaseTap* tap, int64_t taps, const int64_t* to, int64_t phases, int64_t q,
                   int64_t positions, const OutputRow& row) const {
        const int64_t step = layer_.axes[2].stride * channels_;
        const PhaseBlock<T> block{tap, taps, channels_, row.x + q * channels_, packed_.data(),
                                  starts_.data(), row.y + q * step, channels_, step, to,
                                  recipe_.epilogue.relu()};
        const SumBlock<T> sum = sum_block_of<T>(phases, positions);
        taps <= kc ? sum(block) : add_up_block(sum, block);
    }

    const DepthwiseRecipe<T>& recipe_;
    const Layer& layer_;
    int64_t channels_;
    Buffer<T> starts_, packed_;  // the bias; [kernel element][channel]
};

template <class T>
std::unique_ptr<Packed<T>> DepthwiseRecipe<T>::pack(const T* weight, const T* bias) const {
    return std::make_unique<PackedDepthwise<T>>(*this, weight, bias);
}

}  // namespace tconv::TCONV_TARGET::depthwise
