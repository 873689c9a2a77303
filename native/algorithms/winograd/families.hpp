// The columns of a layer's products in Winograd's short algorithms with lanes along channels: phases
// that are made from the same transformed cells, times output channels; and their weights.
#pragma once

#include <vector>

#include "problem/parts.hpp"
#include "gemm/tile_kernel.hpp"
#include "algorithms/winograd/axis.hpp"

namespace tconv::TCONV_TARGET {

constexpr int64_t tile_panel_bytes = 1 << 20;    // transformed cells of a block of tiles
constexpr int64_t fewest_block_tiles = 48;       // of a block: each reads all weights
constexpr int64_t most_block_tiles = 96;
constexpr int64_t slab_bytes = 768 << 10;        // products of a block, before they are outputs
constexpr int64_t band_vectors = 16;             // of a family's columns, at least, in a band
constexpr int64_t narrow_band = 64;              // channels that a band has at least
constexpr int64_t most_parts = 80;               // of a tile

template <class T>
class Families : protected Parts<T> {
    typedef Parts<T> Base;

  protected:
    using Base::axes_, Base::bias_, Base::in_, Base::layer_, Base::out_, Base::phase_groups_;
    static constexpr int64_t lanes = Lanes<T>::count;

    // The phases of one share of each axis: they are made from the same transformed cells.
    struct Family {
        const PhaseGroup* part;
        Piece<T> axes[3];
        int64_t packed_kernels[3];  // transforms of the taps along each axis
        int64_t first_kernel[3];    // of them, that a zone's tiles take, from this one on
        int64_t parts;           // of a tile
        int64_t kernels;         // that it takes; each multiplies neighbouring parts
        int64_t place[3];        // from a part to the next along each axis
        int64_t repeats, depth;  // of the forms; products in a sum: as many times the channels
        int64_t pitch;           // from tile to tile in the panel

        // Of the transforms that it takes, the place of one of those packed; -1 where it takes none.
        int64_t index_of(int64_t kernel) const {
            int64_t index = 0, step = 1;
            for (int a = 2; a >= 0; --a) {
                const int64_t some = axes[a].form->kernels;
                const int64_t at = kernel % packed_kernels[a] - first_kernel[a];
                if (at < 0 || at >= some) return -1;
                kernel /= packed_kernels[a];
                index += at * step;
                step *= some;
            }
            return index;
        }
    };

    // Which positions of an axis a zone of tiles covers: whole tiles, or the single one at an end
    // whose taps but one lie beyond the input.
    enum class Place : int { inner, first, last };

    // Output channels that are computed together, whose columns are those of each phase in turn.
    struct Band {
        int64_t first, channels;
    };

    // Columns of a family and band whose products are outputs before the next are computed.
    struct Slab {
        int64_t family, band, first, columns, vectors;
        int64_t weights;  // where they begin, in those of a group
        int64_t start;    // where its biases do
        int64_t runs, end_runs;
    };

    // Columns that are neighbours in the output: from a channel of a phase on, those of so many
    // phases of the last axis.
    struct Run {
        int64_t column, count, phase[3], channel, phases;
    };

    // Without weights packed.
    Families(const Layer& layer, const T* bias) : Base(layer, bias) {
        kc_ = kc;
        int64_t long_axes = 0, terms = in_, size[3];
        for (int a = 0; a < 3; ++a) {
            winograd_[a] = WinogradAxis<T>::of(axes_[a], true);
            int64_t repeats = 1;
            for (const Piece<T>& piece : winograd_[a].pieces) repeats = max(repeats, piece.repeats);
            terms *= repeats;
            // every axis about doubles the rounding errors of the products
            if (winograd_[a].m == 1) continue;
            ++long_axes;
            kc_ /= 2;
        }
        tile_sizes(long_axes, terms, size);
        if (long_axes == 2 && size[0] == 4 && terms < 384) kc_ /= 2;  // near the limit
        for (int a = 0; a < 3; ++a)
            winograd_[a] = WinogradAxis<T>::of(axes_[a], true, size[a]);
        depth_ = ceil_div(in_, lanes) * lanes;
        largest_ = 1;
        int64_t phases = phase_groups_[0].phases;
        for (int64_t p = 1; p < count_of(phase_groups_); ++p) phases = min(phases, phase_groups_[p].phases);
        const int64_t least = max(ceil_div(band_vectors, phases) * lanes, narrow_band);
        const int64_t bands = out_ % lanes ? 1 : max(out_ / least, 1);
        for (int64_t b = 0; b < bands; ++b) {
            const int64_t first = out_ / lanes * b / bands * lanes;
            const int64_t end = b + 1 < bands ? out_ / lanes * (b + 1) / bands * lanes : out_;
            bands_.push_back({first, end - first});
            widest_ = max(widest_, end - first);
        }
        for (int64_t p = 0; p < count_of(phase_groups_); ++p) add_family(&phase_groups_[p]);
    }

    // Positions a tile along each axis, where pairs of taps are the most. Longer tiles take fewer
    // products, and their rounding errors are larger, whereas those of a plain sum grow with its
    // terms: they are taken where they do not exceed twice those.
    static void tile_sizes(int64_t long_axes, int64_t terms, int64_t* size) {
        size[0] = size[1] = size[2] = 3;
        if (long_axes == 1) size[0] = size[1] = size[2] = terms >= 128 ? 5 : terms >= 64 ? 4 : 3;
        if (long_axes == 2 && terms >= 192) size[0] = size[1] = 4;
        if (long_axes == 2 && terms >= 128) size[2] = 4;
        if (long_axes == 3 && terms >= 256) size[2] = 4;
    }

    // A family as the tiles of a zone take it.
    Family family_at(int64_t index, const Place* places) const {
        Family f = families_[static_cast<size_t>(index)];
        for (int a = 0; a < 3; ++a) {
            if (places[a] == Place::inner) continue;
            if (places[a] == Place::first) {
                f.axes[a].base += f.axes[a].form->taps - 1;
                f.first_kernel[a] = f.packed_kernels[a] - 1;
            }
            f.axes[a].form = form_of<T>(1, 1);
        }
        place_parts(f);
        return f;
    }

    // Tiles of a block, each of so many cells of the panel.
    static int64_t block_tiles(int64_t cells) {
        const int64_t fits = tile_panel_bytes / (cells * int64_t(sizeof(T)));
        return min(max(fits, fewest_block_tiles), most_block_tiles);
    }

    // [group][slab][kernel][block of columns][channel][column]
    void pack(const T* weight) {
        const Axis* axes = layer_.axes;
        const int64_t kernel = axes[0].kernel * axes[1].kernel * axes[2].kernel;
        T* const all = packed_.grow(layer_.groups * group_weights_ + 1);
        T* start = start_.grow(layer_.groups * group_starts_ + lanes);
        for (int64_t g = 0; g < layer_.groups; ++g)
            for (const Slab& slab : slabs_) {
                const Band& band = bands_[static_cast<size_t>(slab.band)];
                for (int64_t j = 0; j < slab.vectors * lanes; ++j)
                    *start++ = j < slab.columns ? bias_.data()[g * out_ + band.first +
                                                               (slab.first + j) % band.channels]
                                                : T(0);
                pack_slab(weight + g * in_ * out_ * kernel, out_ * kernel, slab,
                          all + g * group_weights_ + slab.weights);
            }
    }

    WinogradAxis<T> winograd_[3];
    int64_t depth_;          // channels in whole vectors
    int64_t kc_;        // products in one chain
    int64_t largest_;        // cells of a tile in the panel
    int64_t widest_ = 0;     // channels of a band, at most
    int64_t group_weights_ = 0, group_starts_ = 0;
    std::vector<Band> bands_;
    std::vector<Family> families_;
    std::vector<Slab> slabs_;
    std::vector<Run> runs_;
    Buffer<T> packed_, start_;

  private:
    static void place_parts(Family& f) {
        f.parts = f.kernels = 1;
        for (const Piece<T>& piece : f.axes) {
            f.parts *= piece.form->parts;
            f.kernels *= piece.form->kernels;
        }
        // parts that are multiplied by the same weights lie next to each other
        int64_t inner = 1, outer = f.parts / f.kernels;
        for (int a = 2; a >= 0; --a) {
            const Form<T>& form = *f.axes[a].form;
            int64_t& step = form.kernels == 1 ? inner : outer;
            f.place[a] = step;
            step *= form.parts;
        }
    }

    void add_family(const PhaseGroup* part) {
        Family f{};
        f.part = part;
        f.repeats = 1;
        for (int a = 0; a < 3; ++a) {
            for (int64_t i = 0; i < count_of(axes_[a].groups); ++i)
                if (&axes_[a].groups[i] == part->axes[a]) f.axes[a] = winograd_[a].pieces[i];
            f.packed_kernels[a] = f.axes[a].form->kernels;
            f.repeats *= f.axes[a].repeats;
        }
        place_parts(f);
        constexpr int64_t line = 64 / sizeof(T);
        f.depth = f.repeats * in_;
        f.pitch = (ceil_div(f.depth - in_ + depth_, line) | 1) * line;
        largest_ = max(largest_, f.parts * f.pitch);
        for (int64_t b = 0; b < count_of(bands_); ++b) add_slabs(f, b);
        families_.push_back(f);
    }

    void add_slabs(const Family& f, int64_t band) {
        const int64_t columns = f.part->phases * bands_[static_cast<size_t>(band)].channels;
        const int64_t vectors = ceil_div(columns, lanes);
        const int64_t tile = f.parts * lanes * int64_t(sizeof(T));
        const int64_t fits = max(slab_bytes / (tile * block_tiles(f.parts * f.pitch)), tile_columns);
        const int64_t slabs = ceil_div(vectors, fits / tile_columns * tile_columns);
        const int64_t each = ceil_div(ceil_div(vectors, slabs), tile_columns) * tile_columns;
        for (int64_t v = 0; v < vectors; v += each) {
            const int64_t now = min(each, vectors - v);
            Slab slab{count_of(families_), band, v * lanes, min(now * lanes, columns - v * lanes),
                      now, group_weights_, group_starts_, count_of(runs_), 0};
            add_runs(f, slab);
            slab.end_runs = count_of(runs_);
            group_weights_ += f.kernels * f.depth * now * lanes;
            group_starts_ += now * lanes;
            slabs_.push_back(slab);
        }
    }

    void add_runs(const Family& f, const Slab& slab) {
        const Band& band = bands_[static_cast<size_t>(slab.band)];
        const int64_t first_run = count_of(runs_);
        for (int64_t column = 0; column < slab.columns;) {
            const int64_t at = slab.first + column, channel = at % band.channels;
            int64_t phase = at / band.channels;
            Run run{column, min(band.channels - channel, slab.columns - column), {},
                    band.first + channel, 1};
            for (int a = 2; a >= 0; --a) {
                const std::vector<int64_t>& phases = f.part->axes[a]->phases;
                run.phase[a] = phases[static_cast<size_t>(phase % count_of(phases))];
                phase /= count_of(phases);
            }
            column += run.count;
            Run* const last = count_of(runs_) > first_run ? &runs_.back() : nullptr;
            if (last && band.channels == layer_.out_channels && last->phase[0] == run.phase[0] &&
                last->phase[1] == run.phase[1] && last->phase[2] + last->phases == run.phase[2]) {
                last->count += run.count;
                ++last->phases;
            } else {
                runs_.push_back(run);
            }
        }
    }

    void pack_slab(const T* weight, int64_t step, const Slab& slab, T* to) const {
        const Family& f = families_[static_cast<size_t>(slab.family)];
        const int64_t kernel_step = f.depth * slab.vectors * lanes;
        for (int64_t v = 0; v < slab.vectors; v += tile_columns) {
            const int64_t wide = min(tile_columns, slab.vectors - v) * lanes;
            const int64_t count = min(wide, slab.columns - v * lanes);
            for (int64_t repeat = 0; repeat < f.repeats; ++repeat, to += in_ * wide)
                pack_columns(weight, step, slab, repeat, slab.first + v * lanes, count, to, wide,
                             kernel_step);
        }
    }

    // All channels of a block of columns, for one repeat of the forms.
    void pack_columns(const T* weight, int64_t step, const Slab& slab, int64_t repeat,
                      int64_t first, int64_t count, T* to, int64_t wide,
                      int64_t kernel_step) const {
        const Family& f = families_[static_cast<size_t>(slab.family)];
        const Band& band = bands_[static_cast<size_t>(slab.band)];
        const Axis* axes = layer_.axes;
        const int64_t kernel = axes[0].kernel * axes[1].kernel * axes[2].kernel;
        const Form<T>* const forms[3] = {f.axes[0].form, f.axes[1].form, f.axes[2].form};
        const int64_t taps = forms[0]->taps * forms[1]->taps * forms[2]->taps;
        constexpr int64_t most_squares = (tile_columns * lanes + max_rows - 1) / max_rows;
        const int64_t squares = ceil_div(wide, max_rows);
        int64_t places[most_squares][27][max_rows];
        for (int64_t q = 0; q < squares; ++q)
            for (int64_t tap = 0; tap < taps; ++tap)
                for (int64_t m = 0; m < max_rows; ++m) {
                    const int64_t column = first + min(q * max_rows + m, count - 1);
                    const int64_t element = element_of(f, repeat, tap, column / band.channels);
                    const int64_t channel = band.first + column % band.channels;
                    places[q][tap][m] = element < 0 ? -1 : channel * kernel + element;
                }
        for (int64_t c = 0; c < in_; ++c, weight += step, to += wide)
            for (int64_t q = 0; q < squares; ++q) {
                Column<T> one[most_parts], two[most_parts];
                for (int64_t tap = 0; tap < taps; ++tap) {
                    const int64_t* const place = places[q][tap];
                    T row[max_rows] = {};
                    if (place[0] >= 0)
                        for (int m = 0; m < max_rows; ++m) row[m] = weight[place[m]];
                    one[tap] = *reinterpret_cast<const Column<T>*>(row);
                }
                const Column<T>* const now = transform_taps(forms, one, two);
                T* const at = to + q * max_rows;
                if (count == wide && wide % max_rows == 0)
                    for (int64_t e = 0; e < f.kernels; ++e)
                        *reinterpret_cast<Column<T>*>(at + e * kernel_step) = now[e];
                else
                    for (int64_t e = 0; e < f.kernels; ++e)
                        for (int64_t m = 0; m < min(max_rows, wide - q * max_rows); ++m)
                            at[e * kernel_step + m] = q * max_rows + m < count ? now[e][m] : T(0);
            }
    }

    // The kernel element of a tap of the forms, or -1 where the phase has none.
    int64_t element_of(const Family& f, int64_t repeat, int64_t tap, int64_t phase) const {
        int64_t tap_of = 0, step = 1;  // among the part's, whose order is the cells' reversed
        for (int a = 2; a >= 0; --a) {
            const Piece<T>& piece = f.axes[a];
            const int64_t taps = count_of(f.part->axes[a]->offsets);
            const int64_t at = repeat % piece.repeats * piece.form->taps + tap % piece.form->taps;
            if (at >= taps) return -1;
            tap_of += (taps - 1 - at) * step;
            step *= taps;
            repeat /= piece.repeats;
            tap /= piece.form->taps;
        }
        return this->kernel_of(*f.part, phase, tap_of);
    }
};

}  // namespace tconv::TCONV_TARGET
