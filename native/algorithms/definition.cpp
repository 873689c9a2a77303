#include "algorithms/definition.hpp"

#include <algorithm>

#include "epilogue.hpp"
#include "gemm/micro_kernel.hpp"
#include "problem/phase_groups.hpp"
#include "problem/range.hpp"

namespace tconv::TCONV_TARGET {

constexpr int64_t definition_vectors = 4;  // output channels summed at once

template <class T>
class PackedDefinition final : public Definition<T> {
    typedef typename Lanes<T>::V V;
    static constexpr int64_t lanes = Lanes<T>::count;

  public:
    PackedDefinition(const Layer& layer, const T* weight, const T* bias)
        : phases_(layer),
          epilogue_(layer),
          wide_(ceil_div(phases_.out, lanes) * lanes),
          bias_(bias_or_zeros(layer, bias)) {
        pack(weight);
    }

    void run(const Shape& shape, const T* x, T* y, int, const Parallel& parallel) const override {
        const Range range = range_of(phases_.layer, phases_.axes, shape);
        if (!range.whole) fill_with_bias(phases_.layer, shape, bias_.data(), y, parallel);
        const int64_t rows = range.count[0] * range.count[1];
        if (range.count[2] == 0) return;
        parallel(shape.batch * phases_.layer.groups * rows, [&](int64_t task) {
            const int64_t row = task % rows, image = task / rows;
            compute(shape, {image / phases_.layer.groups, image % phases_.layer.groups,
                            {range.first[0] + row / range.count[1],
                             range.first[1] + row % range.count[1], range.first[2]},
                            {1, 1, range.count[2]}},
                    x, y);
        });
    }

    void run(const Shape& shape, const std::vector<Patch>& patches, const T* x, T* y,
             const Parallel& parallel) const override {
        parallel(count_of(patches), [&](int64_t task) {
            compute(shape, patches[static_cast<size_t>(task)], x, y);
        });
    }

  private:
    // [group][kernel element][input channel][output channel]
    void pack(const T* weight) {
        T* to = packed_.grow(phases_.layer.groups * phases_.kernel * phases_.in * wide_ + definition_vectors * lanes);
        std::fill_n(to, phases_.layer.groups * phases_.kernel * phases_.in * wide_, T(0));
        for (int64_t g = 0; g < phases_.layer.groups; ++g)
            for (int64_t c = 0; c < phases_.in; ++c)
                for (int64_t o = 0; o < phases_.out; ++o)
                    for (int64_t k = 0; k < phases_.kernel; ++k)
                        to[((g * phases_.kernel + k) * phases_.in + c) * wide_ + o] = *weight++;
    }

    void compute(const Shape& shape, const Patch& patch, const T* x, T* y) const {
        int64_t q[3];
        for (q[0] = patch.first[0]; q[0] < patch.first[0] + patch.count[0]; ++q[0])
            for (q[1] = patch.first[1]; q[1] < patch.first[1] + patch.count[1]; ++q[1])
                for (q[2] = patch.first[2]; q[2] < patch.first[2] + patch.count[2]; ++q[2])
                    for (const PhaseGroup& part : phases_.all)
                        compute(shape, patch.image, patch.group, q, part, x, y);
    }

    // The phases of a part at one position: they read the same cells.
    void compute(const Shape& shape, int64_t image, int64_t group, const int64_t* q,
                 const PhaseGroup& part, const T* x, T* y) const {
        Scratch scratch;
        thread_local std::vector<int64_t> taps;  // that read a cell of the input
        const bool last = phases_.layer.layout == Layout::channels_last;
        const int64_t *const in = shape.input, *const out = shape.output;
        const int64_t all = in[0] * in[1] * in[2], step = last ? 1 : all;
        T* const cells = scratch.take<T>(part.taps * phases_.in);
        taps.clear();
        for (int64_t tap = 0; tap < part.taps; ++tap) {
            int64_t left = tap, cell[3];
            bool inside = true;
            for (int a = 2; a >= 0; --a) {
                const std::vector<int64_t>& offsets = part.axes[a]->offsets;
                cell[a] = q[a] - offsets[static_cast<size_t>(left % count_of(offsets))];
                left /= count_of(offsets);
                inside = inside && cell[a] >= 0 && cell[a] < in[a];
            }
            if (!inside) continue;
            const int64_t at = (cell[0] * in[1] + cell[1]) * in[2] + cell[2];
            const T* const from = last ? x + (image * all + at) * phases_.layer.in_channels + group * phases_.in
                                       : x + (image * phases_.layer.in_channels + group * phases_.in) * all + at;
            T* const to = cells + count_of(taps) * phases_.in;
            for (int64_t c = 0; c < phases_.in; ++c) to[c] = from[c * step];
            taps.push_back(tap);
        }
        for (int64_t phase = 0; phase < part.phases; ++phase) {
            int64_t left = phase, o[3];
            bool inside = true;
            for (int a = 2; a >= 0; --a) {
                const std::vector<int64_t>& phases = part.axes[a]->phases;
                o[a] = q[a] * phases_.layer.axes[a].stride - shape.crop[a] +
                       phases[static_cast<size_t>(left % count_of(phases))];
                left /= count_of(phases);
                inside = inside && o[a] >= 0 && o[a] < out[a];
            }
            if (!inside) continue;
            const int64_t at = (o[0] * out[1] + o[1]) * out[2] + o[2];
            const int64_t beyond = out[0] * out[1] * out[2];
            T* const to = last ? y + (image * beyond + at) * phases_.layer.out_channels + group * phases_.out
                               : y + (image * phases_.layer.out_channels + group * phases_.out) * beyond + at;
            for (int64_t c = 0; c < phases_.out; c += definition_vectors * lanes) {
                T sums[definition_vectors * lanes];
                add_up(group, part, phase, taps, cells, c, sums);
                const int64_t some = min(definition_vectors * lanes, phases_.out - c);
                for (int64_t j = 0; j < some; ++j)
                    to[(c + j) * (last ? 1 : beyond)] =
                        epilogue_.of(sums[j] + bias_.data()[group * phases_.out + c + j]);
            }
        }
    }

    // Some output channels of one output, in chains of products, each of which is added to the sum.
    void add_up(int64_t group, const PhaseGroup& part, int64_t phase, const std::vector<int64_t>& taps,
                const T* cells, int64_t channel, T* to) const {
        constexpr int N = definition_vectors;
        V sum[N] = {};
        for (const int64_t tap : taps) {
            const int64_t k = phases_.element(part, phase, tap);
            const T* w = packed_.data() + (group * phases_.kernel + k) * phases_.in * wide_ + channel;
            for (int64_t c = 0; c < phases_.in;) {
                V chain[N] = {};
                for (const int64_t end = min(phases_.in, c + kc); c < end; ++c, w += wide_) {
                    const V v = broadcast<T>(*cells++);
                    for (int n = 0; n < N; ++n) chain[n] += v * load<T>(w + n * lanes);
                }
                for (int n = 0; n < N; ++n) sum[n] += chain[n];
            }
        }
        for (int n = 0; n < N; ++n) store<T>(to + n * lanes, sum[n]);
    }

    PhaseGroups phases_;
    Epilogue<T> epilogue_;
    int64_t wide_;  // output channels in whole vectors
    Buffer<T> bias_, packed_;
};

template <class T>
std::unique_ptr<Definition<T>> make_definition(const Layer& layer, const T* weight, const T* bias) {
    return std::make_unique<PackedDefinition<T>>(layer, weight, bias);
}

template std::unique_ptr<Definition<float>> make_definition(const Layer&, const float*, const float*);
template std::unique_ptr<Definition<double>> make_definition(const Layer&, const double*,
                                                             const double*);

}  // namespace tconv::TCONV_TARGET
