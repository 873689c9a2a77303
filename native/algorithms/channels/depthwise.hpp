// Depthwise with channels last: lanes lie along channels, each of which has an input of its own. A
// row of the output is computed from the rows of the input that reach it, in blocks of positions
// and of phases that read the same cells; each of its cells is written once.
#pragma once

#include <vector>

#include "epilogue.hpp"
#include "heuristics/costs.hpp"
#include "problem/cuts.hpp"
#include "problem/phases.hpp"

namespace tconv::TCONV_TARGET::depthwise {

constexpr int sums_at_once = TCONV_VECTOR_BYTES == 64 ? 24 : 12;  // that the registers hold
constexpr int most_phases = TCONV_VECTOR_BYTES == 64 ? 4 : 2;     // of a block
constexpr int64_t piece = 12;  // positions of a row whose phases are written together
constexpr int most_positions(int phases) {
    return phases == 1 ? static_cast<int>(piece) : sums_at_once / phases;
}

// Fits, in the unit of cost.hpp.
constexpr double packed_operations = 4;    // of a weight packed
constexpr double cell_operations = 1;      // of a vector of the output
constexpr double row_operations = 100;     // of a row of the output
constexpr double task_operations = 25000;  // of a piece worth handing to a thread

// An input row that reaches an output row, and the row of the kernel by which it does.
struct Line {
    int64_t x, w;
};

// A product of each phase: what it reads, from where its position stands, and its weights.
struct Tap {
    int64_t x, w[most_phases];
};

template <class T>
struct Block {
    const Tap* tap;
    int64_t taps, channels;
    const T* x;
    const T* w;
    const T* start;
    T* y;
    int64_t read, write;  // from a position to the next
    const int64_t* to;    // of each phase
    bool relu;
};

// y[p][m] = start + sum over taps of x[m] * w[p], for every channel: a vector of them at a time,
// the last of which laps over the one before it. Pieces of long sums are added up in y.
template <class T, int P, int M>
void sum_block(const Block<T>& block) {
    constexpr int64_t lanes = Lanes<T>::count;
    typedef typename Lanes<T>::V V;
    const auto all = [](const auto& f) TCONV_INLINED {
        each<P>([&](auto p) TCONV_INLINED { each<M>([&](auto m) TCONV_INLINED { f(p, m); }); });
    };
    const Block<T> b = block;  // which no store can change
    int64_t place[P];
    each<P>([&](auto p) TCONV_INLINED { place[p] = b.to[p]; });
    V sum[P][M];
    for (int64_t c = 0; c < b.channels; c += lanes) {
        c = min(c, b.channels - lanes);
        const T* const from = b.x + c;
        const T* const weights = b.w + c;
        const auto at = [&](auto p, auto m) TCONV_INLINED {
            return b.y + (c + place[p]) + m * b.write;
        };
        const V start = load<T>(b.start + c);
        all([&](auto p, auto m) TCONV_INLINED { sum[p][m] = start; });
        for (int64_t i = 0, end = 0;;) {
            for (end = min(b.taps, end + kc); i < end; ++i) {
                const Tap& tap = b.tap[i];
                V w[P];
                each<P>([&](auto p) TCONV_INLINED { w[p] = load<T>(weights + tap.w[p]); });
                each<M>([&](auto m) TCONV_INLINED {
                    const V x = load<T>(from + tap.x + m * b.read);
                    each<P>([&](auto p) TCONV_INLINED { sum[p][m] += x * w[p]; });
                });
            }
            if (i > kc)
                all([&](auto p, auto m) TCONV_INLINED { sum[p][m] += load<T>(at(p, m)); });
            if (i == b.taps) break;
            all([&](auto p, auto m) TCONV_INLINED {
                store<T>(at(p, m), sum[p][m]);
                sum[p][m] = V{};
            });
        }
        if (b.relu) all([&](auto p, auto m) TCONV_INLINED { sum[p][m] = rectified(sum[p][m]); });
        all([&](auto p, auto m) TCONV_INLINED { store<T>(at(p, m), sum[p][m]); });
    }
}

template <class T>
using Sum = void (*)(const Block<T>&);

template <class T, int P, int M = most_positions(P)>
Sum<T> sum_of(int64_t positions) {
    if constexpr (M > 1)
        if (positions < M) return sum_of<T, P, M - 1>(positions);
    return sum_block<T, P, M>;
}

template <class T, int P = most_phases>
Sum<T> sum_of(int64_t phases, int64_t positions) {
    if constexpr (P > 1)
        if (phases < P) return sum_of<T, P - 1>(phases, positions);
    return sum_of<T, P>(positions);
}

template <class T>
class Depthwise final : public Packed<T> {
    static constexpr int64_t lanes = Lanes<T>::count;

  public:
    static const char* refusal(const Layer& layer) {
        if (layer.layout != Layout::channels_last) return "only with channels last";
        if (layer.in_channels != layer.groups || layer.out_channels != layer.groups)
            return "its groups are not of one input and one output channel";
        return layer.groups < lanes ? "its channels are fewer than a vector's lanes" : nullptr;
    }

    static Cost cost(const Layer& layer, const Shape& shape, int) {
        const auto number = [](int64_t v) { return static_cast<double>(v); };
        Cost c;
        c.products = number(shape.batch * ceil_div(layer.groups, lanes));
        c.packing = packed_operations * number(layer.groups);
        double cells = c.products;
        for (int a = 0; a < 3; ++a) {
            c.products *= number(products_along(layer.axes[a], shape, a));
            c.packing *= number(layer.axes[a].kernel);
            cells *= number(shape.output[a]);
        }
        c.others = cell_operations * cells + row_operations * number(rows(shape));
        c.bytes = bytes_moved<T>(layer, shape);
        c.tasks = static_cast<int64_t>((c.products + c.others) / task_operations) + 1;
        return c;
    }

    Depthwise(const Layer& layer, const T* weight, const T* bias)
        : layer_(layer), channels_(layer.groups) {
        const Axis* const axes = layer.axes;
        const int64_t kernel = axes[0].kernel * axes[1].kernel * axes[2].kernel;
        T* const packed = packed_.grow(kernel * channels_);
        T* const start = start_.grow(channels_);
        for (int64_t c = 0; c < channels_; ++c) {
            for (int64_t k = 0; k < kernel; ++k) packed[k * channels_ + c] = weight[c * kernel + k];
            start[c] = bias ? bias[c] : T(0);
        }
        for (int a = 0; a < 2; ++a) {
            elements_[a].resize(static_cast<size_t>(axes[a].stride));
            for (int64_t k = 0; k < axes[a].kernel; ++k) {
                const int64_t u = k * axes[a].dilation;
                elements_[a][static_cast<size_t>(u % axes[a].stride)].push_back(
                    {k, u / axes[a].stride});
            }
        }
        const AxisGroups shares = axis_groups_of(axes[2]);
        std::vector<bool> has_taps(static_cast<size_t>(axes[2].stride));
        for (const AxisGroup& share : shares.groups) {
            add_groups(share);
            for (const int64_t r : share.phases) has_taps[static_cast<size_t>(r)] = true;
        }
        AxisGroup none;
        for (int64_t r = 0; r < axes[2].stride; ++r)
            if (!has_taps[static_cast<size_t>(r)]) none.phases.push_back(r);
        none.kernels.resize(none.phases.size());
        add_groups(none);
    }

    void run(const Shape& shape, const T* x, T* y, int threads,
             const Parallel& parallel) const override {
        const int64_t s = layer_.axes[2].stride, all = rows(shape);
        const int64_t first = floor_div(shape.crop[2], s);
        const int64_t positions = ceil_div(shape.crop[2] + shape.output[2], s) - first;
        if (all * positions == 0) return;
        const int64_t wanted = cost(layer_, shape, threads).tasks;
        const int64_t parts = min(ceil_div(wanted, all), ceil_div(positions, piece));
        const int64_t units = all * parts, tasks = min(units, wanted);
        const std::vector<Inside> inside = insides(shape);
        parallel(tasks, [&](int64_t task) {
            for (int64_t u = units * task / tasks; u < units * (task + 1) / tasks; ++u)
                run_row(shape, inside, u / parts, first + positions * (u % parts) / parts,
                        first + positions * (u % parts + 1) / parts, x, y);
        });
    }

  private:
    // An element of the kernel, and how many inputs before its position it reads.
    struct Element {
        int64_t kernel, offset;
    };

    // Phases of a row that have the same taps.
    struct Group {
        std::vector<int64_t> phases, to;  // and how far from phase 0 each is written
        std::vector<Tap> taps;
    };

    // Positions at which a group has all its taps in the input, all its phases in the output.
    struct Inside {
        int64_t start, end;
    };

    // Where the inputs are, and where phase 0 of position 0 of a row goes; the lines of that row.
    struct Row {
        const T* x;
        T* y;
        const std::vector<Line>& lines;
    };

    static int64_t rows(const Shape& shape) {
        return shape.batch * shape.output[0] * shape.output[1];
    }

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

    void add_groups(const AxisGroup& share) {
        const int64_t all = count_of(share.phases), groups = ceil_div(all, most_phases);
        for (int64_t g = 0; g < groups; ++g) {
            const auto first = static_cast<size_t>(all * g / groups);
            const auto end = static_cast<size_t>(all * (g + 1) / groups);
            Group group;
            for (size_t p = first; p < end; ++p) {
                group.phases.push_back(share.phases[p]);
                group.to.push_back(share.phases[p] * channels_);
            }
            for (size_t t = 0; t < share.offsets.size(); ++t) {
                Tap tap{-share.offsets[t] * channels_, {}};
                for (size_t p = first; p < end; ++p)
                    tap.w[p - first] = share.kernels[p][t] * channels_;
                group.taps.push_back(tap);
            }
            taps_ += count_of(group.taps);
            groups_.push_back(group);
        }
    }

    std::vector<Inside> insides(const Shape& shape) const {
        const int64_t s = layer_.axes[2].stride, crop = shape.crop[2];
        std::vector<Inside> all;
        for (const Group& group : groups_) {
            Inside now{ceil_div(crop - group.phases.front(), s),
                       ceil_div(crop + shape.output[2] - group.phases.back(), s)};
            if (!group.taps.empty()) {
                now.start = max(now.start, -group.taps.back().x / channels_);
                now.end = min(now.end, shape.input[2] - group.taps.front().x / channels_);
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
        for (const Element& e : elements_[a][static_cast<size_t>(u - q * s)])
            if (q >= e.offset && q - e.offset < shape.input[a]) f(q - e.offset, e.kernel);
    }

    // Taps of a group for every line, from one of its phases on.
    static Tap* put_taps(const std::vector<Line>& lines, const Tap* first, const Tap* end,
                         int64_t phase, Tap* to) {
        for (const Line& line : lines)
            for (const Tap* tap = first; tap < end; ++tap, ++to) {
                to->x = line.x + tap->x;
                for (int64_t p = phase; p < most_phases; ++p) to->w[p - phase] = line.w + tap->w[p];
            }
        return to;
    }

    // Positions [first, end) of a row of the output.
    void run_row(const Shape& shape, const std::vector<Inside>& inside, int64_t row, int64_t first,
                 int64_t end, const T* x, T* y) const {
        thread_local std::vector<Line> lines;
        const int64_t* const in = shape.input;
        const Axis* const axes = layer_.axes;
        const int64_t plane = row / shape.output[1], image = plane / shape.output[0];
        lines.clear();
        each_product(shape, 0, plane % shape.output[0], [&](int64_t iz, int64_t kz) {
            each_product(shape, 1, row % shape.output[1], [&](int64_t iy, int64_t ky) {
                lines.push_back({((image * in[0] + iz) * in[1] + iy) * in[2] * channels_,
                                 (kz * axes[1].kernel + ky) * axes[2].kernel * channels_});
            });
        });
        thread_local Buffer<Tap> taps;
        Tap* to = taps.grow(count_of(lines) * taps_);
        for (const Group& group : groups_)
            to = put_taps(lines, group.taps.data(), group.taps.data() + group.taps.size(), 0,
                          to);
        const Row at{x, y + (row * shape.output[2] - shape.crop[2]) * channels_, lines};
        const int64_t pieces = ceil_div(end - first, piece);
        for (int64_t p = 0; p < pieces; ++p) {
            const Tap* tap = taps.data();
            for (size_t g = 0; g < groups_.size(); ++g)
                tap = run_group(shape, groups_[g], inside[g], first + (end - first) * p / pieces,
                                first + (end - first) * (p + 1) / pieces, tap, at);
        }
        if (layer_.activation <= Activation::relu) return;
        const int64_t low = max(first * axes[2].stride, shape.crop[2]);
        const int64_t high = min(end * axes[2].stride, shape.crop[2] + shape.output[2]);
        activate_row(layer_.activation, layer_.alpha, at.y + low * channels_,
                     (high - low) * channels_);
    }

    // Returns where the next group's taps are.
    const Tap* run_group(const Shape& shape, const Group& group, const Inside& inside,
                         int64_t first, int64_t end, const Tap* tap, const Row& row) const {
        const int64_t phases = count_of(group.phases);
        const int64_t taps = count_of(row.lines) * count_of(group.taps);
        const int64_t start = min(max(first, inside.start), end);
        const int64_t stop = max(min(end, inside.end), start);
        for (int64_t q = first; q < start; ++q) run_edge(shape, group, q, row);
        const int64_t blocks = ceil_div(stop - start, most_positions(static_cast<int>(phases)));
        for (int64_t b = 0; b < blocks; ++b) {
            const int64_t q = start + (stop - start) * b / blocks;
            const int64_t next = start + (stop - start) * (b + 1) / blocks;
            run_block(tap, taps, group.to.data(), phases, q, next - q, row);
        }
        for (int64_t q = stop; q < end; ++q) run_edge(shape, group, q, row);
        return tap + taps;
    }

    // The phases of one position that are in the output, by the taps that are in the input.
    void run_edge(const Shape& shape, const Group& group, int64_t q, const Row& row) const {
        thread_local Buffer<Tap> taps;
        const int64_t u = q * layer_.axes[2].stride - shape.crop[2];
        const int64_t *phase = group.phases.data(), *end_phase = phase + group.phases.size();
        while (phase < end_phase && u + *phase < 0) ++phase;
        while (phase < end_phase && u + end_phase[-1] >= shape.output[2]) --end_phase;
        if (phase == end_phase) return;
        const Tap *tap = group.taps.data(), *end = tap + group.taps.size();
        while (tap < end && q * channels_ + tap->x >= shape.input[2] * channels_) ++tap;
        while (tap < end && q * channels_ + end[-1].x < 0) --end;
        const int64_t first = phase - group.phases.data();
        const int64_t count = count_of(row.lines) * (end - tap);
        put_taps(row.lines, tap, end, first, taps.grow(count));
        run_block(taps.data(), count, group.to.data() + first, end_phase - phase, q, 1, row);
    }

    void run_block(const Tap* tap, int64_t taps, const int64_t* to, int64_t phases, int64_t q,
                   int64_t positions, const Row& row) const {
        const int64_t step = layer_.axes[2].stride * channels_;
        const Block<T> block{tap, taps, channels_, row.x + q * channels_, packed_.data(),
                             start_.data(), row.y + q * step, channels_, step, to,
                             layer_.activation == Activation::relu};
        sum_of<T>(phases, positions)(block);
    }

    Layer layer_;
    int64_t channels_;
    std::vector<std::vector<Element>> elements_[2];  // of each phase of the first two axes
    std::vector<Group> groups_;                      // of the last
    int64_t taps_ = 0;                               // of them all
    Buffer<T> packed_, start_;                       // [kernel element][channel]; the bias
};

}  // namespace tconv::TCONV_TARGET::depthwise

namespace tconv::TCONV_TARGET {
using depthwise::Depthwise;
}
