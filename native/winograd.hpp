// Winograd's F(3, 2), shared by all phases: where every phase has two neighbouring taps an axis,
// three positions cost four products instead of six, and one transformed input serves all phases.
//     input   d0-d2, d1+d2, d2-d1, d1-d3
//     kernel  g0, (g0+g1)/2, (g0-g1)/2, g1
//     output  m0+m1+m2, m1-m2, m1+m2-m3        (y_j = d_j·g0 + d_(j+1)·g1)
// S. Winograd, Arithmetic Complexity of Computations (1980); Lavin & Gray, arXiv:1509.09308.
#pragma once

#include "phased.hpp"

namespace tconv::TCONV_TARGET {

constexpr int64_t winograd_panel_bytes = 1 << 20;  // transformed input of a tile
constexpr int64_t most_winograd_tiles = 144;
constexpr int64_t fewest_winograd_tiles = 24;  // of a call: below, the direct product is faster
constexpr int64_t fewest_winograd_rows = 24;   // phases times output channels
constexpr int64_t fewest_winograd_channels = 24;

template <class T>
TCONV_INLINE void transform_input(const T* d, int64_t step, int64_t which, int64_t count, T* to) {
    constexpr int64_t lanes = Lanes<T>::count;
    const T* plus = d + (which == 0 ? 0 : which == 2 ? 2 : 1) * step;
    const T* minus = d + (which == 0 ? 2 : which == 1 ? 2 : which == 2 ? 1 : 3) * step;
    if (which == 1)
        for (int64_t i = 0; i < count; i += lanes) store<T>(to + i, load(plus + i) + load(minus + i));
    else
        for (int64_t i = 0; i < count; i += lanes) store<T>(to + i, load(plus + i) - load(minus + i));
}

template <class T>
class Winograd final : public Phased<T> {
    typedef Phased<T> Base;
    typedef typename Lanes<T>::V V;
    static constexpr int64_t lanes = Lanes<T>::count;

  public:
    static const char* refusal(const Layer& layer) {
        if (layer.layout != Layout::channels_first)
            return "its lanes lie along positions, channels first";
        for (int a = 0; a < 3; ++a) {
            const Shares shares = shares_of(layer.axes[a]);
            if (shares.shares.size() != 1) return "phases have taps at different offsets";
            const Share& share = shares.shares[0];
            const bool one = share.offsets.size() == 1;
            const bool two = share.offsets.size() == 2 && share.offsets[1] == share.offsets[0] + 1;
            if (!(two || (one && a < 2))) return "phases have not two neighbouring taps an axis";
        }
        return nullptr;
    }

    static Cost cost(const Layer& layer, const Shape& shape, int threads) {
        const Winograd plain(layer, nullptr);
        const Tiling t = plain.cut(shape, threads);
        int64_t all = shape.batch;
        for (int a = 0; a < 3; ++a) all *= plain.covered(a, t.count[a]);
        Cost c = Base::cost(layer, shape, threads);
        const int64_t phases = plain.phases_ * layer.out_channels / layer.groups;
        if (all < fewest_winograd_tiles || plain.in_ < fewest_winograd_channels ||
            phases < fewest_winograd_rows)
            c.products *= 2;
        else
            c.products /= 1.2;
        return c;
    }

    Winograd(const Layer& layer, const T* weight, const T* bias) : Winograd(layer, bias) {
        pack(weight);
    }

    void run(const Shape& shape, const T* x, T* y, int threads,
             const Parallel& parallel) const override {
        const Tiling t = cut(shape, threads);
        if (!t.whole) this->fill(shape, y, parallel);
        const int64_t tiles = t.image_tiles * t.tiles[0] * t.tiles[1] * t.tiles[2];
        if (tiles == 0) return;
        const int64_t groups = this->layer_.groups;
        const int64_t splits = threads > 1 && tiles * groups < 2 * threads
                                   ? min(this->blocks_, ceil_div(2 * threads, tiles * groups))
                                   : 1;
        parallel(tiles * groups * splits, [&](int64_t task) {
            const int64_t split = task % splits, tile = task / splits % tiles;
            run_tile(shape, t, x, y, task / splits / tiles, tile, this->blocks_ * split / splits,
                     this->blocks_ * (split + 1) / splits);
        });
    }

  private:
    // Without weights packed.
    Winograd(const Layer& layer, const T* bias) : Base(layer, bias) {
        parts_ = 1;
        for (int a = 0; a < 3; ++a) {
            wide_[a] = this->axes_[a].shares[0].offsets.size() == 2;
            if (wide_[a]) parts_ *= 4;
        }
    }

    // Winograd tiles that cover so many positions.
    int64_t covered(int a, int64_t positions) const {
        return wide_[a] ? ceil_div(positions, 3) : positions;
    }

    // Positions are cut in whole Winograd tiles; pitch is that of the rows handed to write().
    Tiling cut(const Shape& shape, int threads) const {
        Tiling t = this->tiling(shape, threads);
        int64_t all[3], tile[3];
        for (int a = 0; a < 3; ++a) all[a] = covered(a, t.count[a]);
        int64_t most = winograd_panel_bytes / (parts_ * this->in_ * int64_t(sizeof(T)));
        most = min(max(most / (3 * lanes) * 3 * lanes, 3 * lanes), most_winograd_tiles);
        const int64_t total = shape.batch * all[0] * all[1] * all[2] * this->layer_.groups;
        if (threads > 1) most = max(min(most, ceil_div(total, 2 * threads)), min(most, 2 * lanes));
        int64_t room = most;
        for (int a = 2; a >= 0; --a) {
            tile[a] = ceil_div(all[a], max(1, ceil_div(all[a], room)));
            room = tile[a] < all[a] ? 1 : max(1, room / max(1, tile[a]));
            t.tile[a] = tile[a] * (wide_[a] ? 3 : 1);
            t.tiles[a] = t.tile[a] ? ceil_div(t.count[a], t.tile[a]) : 0;
        }
        t.images = min(max(shape.batch, 1), room);
        t.image_tiles = ceil_div(shape.batch, t.images);
        for (int a = 0; a < 3; ++a) t.pitch[a] = t.tile[a];
        t.pitch[2] = 3 * ceil_div(tile[2], lanes) * lanes;
        t.row = t.images * t.pitch[0] * t.pitch[1] * t.pitch[2];
        const int64_t cells = t.images * tile[0] * tile[1] * tile[2];
        t.plane = (ceil_div(cells, lanes) + 1) * lanes;  // rows are stored in whole vectors
        return t;
    }

    // [group][block][component][rows][channel][row]
    void pack(const T* weight) {
        const int64_t in = this->in_, out = this->out_, block = this->block_;
        const int64_t kernel = this->layer_.axes[0].kernel * this->layer_.axes[1].kernel *
                               this->layer_.axes[2].kernel;
        const Part& part = this->part_.data()[0];
        Buffer<int64_t> places(part.phases * part.taps);
        for (int64_t p = 0; p < part.phases; ++p)
            for (int64_t tap = 0; tap < part.taps; ++tap)
                places.data()[p * part.taps + tap] = this->kernel_of(part, p, tap);
        T* to = packed_.grow(this->layer_.groups * parts_ * in * out * part.phases + 16);
        for (int64_t g = 0; g < this->layer_.groups; ++g)
            for (int64_t b = 0; b < this->blocks_; ++b) {
                const int64_t first = b * block, channels = min(block, out - first);
                const int64_t rows = part.phases * channels;
                for (int64_t r = 0; r < rows;) {
                    const int64_t height = Base::block_rows(rows, r);
                    for (int64_t m = 0; m < height; ++m) {
                        const int64_t row = r + m;
                        const T* w = weight + (g * in * out + first + row % channels) * kernel;
                        const int64_t* place = places.data() + row / channels * part.taps;
                        for (int64_t c = 0; c < in; ++c, w += out * kernel)
                            transform_taps(w, place, part.taps, to + (r * in + c * height + m),
                                           rows * in);
                    }
                    r += height;
                }
                to += parts_ * rows * in;
            }
    }

    // The taps of one phase, as offsets run, to their components, each `step` apart.
    void transform_taps(const T* w, const int64_t* place, int64_t taps, T* to, int64_t step) const {
        double values[64];
        for (int64_t tap = 0; tap < taps; ++tap) values[tap] = static_cast<double>(w[place[tap]]);
        // axis by axis from the last, (taps) become (components, earlier taps)
        int64_t count = taps;
        for (int a = 2; a >= 0; --a) {
            if (!wide_[a]) continue;
            double next[64];
            const int64_t half = count / 2;
            for (int64_t i = 0; i < half; ++i) {
                const double near = values[2 * i], far = values[2 * i + 1];
                next[i] = far;
                next[half + i] = (far + near) / 2;
                next[2 * half + i] = (far - near) / 2;
                next[3 * half + i] = near;
            }
            count = 4 * half;
            for (int64_t i = 0; i < count; ++i) values[i] = next[i];
        }
        for (int64_t e = 0; e < count; ++e) to[e * step] = static_cast<T>(values[e]);
    }

    void run_tile(const Shape& shape, const Tiling& t, const T* x, T* y, int64_t group, int64_t tile,
                  int64_t first_block, int64_t end_block) const {
        int64_t start[3], count[3], tiles[3];
        for (int a = 2; a >= 0; --a) {
            const int64_t at = tile % t.tiles[a] * t.tile[a];
            start[a] = t.first[a] + at;
            count[a] = min(t.tile[a], t.count[a] - at);
            tiles[a] = covered(a, count[a]);
            tile /= t.tiles[a];
        }
        const int64_t image = tile * t.images, images = min(t.images, shape.batch - image);
        const int64_t in = this->in_, width = images * tiles[0] * tiles[1] * tiles[2];
        thread_local Buffer<T> panel, products, rows;
        panel.grow(parts_ * in * t.plane + 4 * lanes);
        products.grow(parts_ * this->phases_ * this->block_ * t.plane + 4 * lanes);
        rows.grow(this->phases_ * t.row + 4 * lanes);
        for (int64_t c = 0; c < in; ++c)
            for (int64_t n = 0; n < images; ++n)
                transform(shape, start, tiles,
                          x + ((image + n) * this->layer_.in_channels + group * in + c) *
                                  shape.input[0] * shape.input[1] * shape.input[2],
                          panel.data() + c * t.plane + n * tiles[0] * tiles[1] * tiles[2],
                          in * t.plane);
        for (int64_t b = first_block; b < end_block; ++b) {
            const int64_t first = b * this->block_, channels = min(this->block_, this->out_ - first);
            multiply(t, group, b, width, panel.data(), products.data());
            for (int64_t c = 0; c < channels; ++c) {
                for (int64_t p = 0; p < this->phases_; ++p)
                    for (int64_t n = 0; n < images; ++n)
                        restore(t, tiles, products.data() + (p * channels + c) * t.plane +
                                              n * tiles[0] * tiles[1] * tiles[2],
                                this->phases_ * channels * t.plane,
                                this->bias_.data()[group * this->out_ + first + c],
                                rows.data() + p * t.row + n * t.pitch[0] * t.pitch[1] * t.pitch[2]);
                this->write(shape, t, start, count, image, images, group, first + c, 1, rows.data(),
                            t.row, y);
            }
        }
        if (t.streams) fence();
    }

    // One channel of one image to its components, each `step` apart.
    void transform(const Shape& shape, const int64_t* start, const int64_t* tiles, const T* x, T* to,
                   int64_t step) const {
        const int64_t across = ceil_div(tiles[2], lanes) * lanes, cells = 3 * across + 3;
        int64_t reach[3], from[3];
        for (int a = 0; a < 3; ++a) {
            reach[a] = wide_[a] ? 3 * tiles[a] + 1 : tiles[a];
            from[a] = start[a] - this->axes_[a].high;
        }
        thread_local Buffer<T> line, wide, tall;
        T* const row = line.grow(cells + 4 * lanes);
        const int64_t left = min(max(-from[2], 0), cells);
        const int64_t held = max(min(shape.input[2] - from[2], reach[2]) - left, 0);
        Base::zero(row, left);
        Base::zero(row + left + held, cells + lanes - left - held);
        T* const w = wide.grow(reach[0] * reach[1] * 4 * across + lanes);
        for (int64_t z = 0; z < reach[0]; ++z)
            for (int64_t r = 0; r < reach[1]; ++r) {
                T* const four = w + (z * reach[1] + r) * 4 * across;
                const int64_t iz = from[0] + z, iy = from[1] + r;
                if (iz < 0 || iz >= shape.input[0] || iy < 0 || iy >= shape.input[1]) {
                    Base::zero(four, 4 * across);
                    continue;
                }
                Base::copy(row + left, x + (iz * shape.input[1] + iy) * shape.input[2] + from[2] + left,
                           held);
                for (int64_t i = 0; i < across; i += lanes) {
                    const T* d = row + 3 * i;
                    const V a = load(d), b = load(d + lanes), c = load(d + 2 * lanes);
                    const V d0 = every_third<T, 0>(a, b, c), d1 = every_third<T, 1>(a, b, c);
                    const V d2 = every_third<T, 2>(a, b, c);
                    const V d3 = every_third<T, 0>(load(d + 3), load(d + 3 + lanes),
                                                   load(d + 3 + 2 * lanes));
                    store<T>(four + i, d0 - d2);
                    store<T>(four + across + i, d1 + d2);
                    store<T>(four + 2 * across + i, d2 - d1);
                    store<T>(four + 3 * across + i, d1 - d3);
                }
            }
        // the second axis, then the first
        const int64_t parts_y = wide_[1] ? 4 : 1, parts_z = wide_[0] ? 4 : 1;
        const int64_t plane = tiles[1] * parts_y * 4 * across;
        T* const h = tall.grow(reach[0] * plane + lanes);
        for (int64_t z = 0; z < reach[0]; ++z)
            for (int64_t j = 0; j < tiles[1]; ++j)
                for (int64_t e = 0; e < parts_y; ++e)
                    along(w + (z * reach[1] + (wide_[1] ? 3 * j : j)) * 4 * across, 4 * across, wide_[1],
                          e, 4 * across, h + z * plane + (j * parts_y + e) * 4 * across);
        for (int64_t i = 0; i < tiles[0]; ++i)
            for (int64_t j = 0; j < tiles[1]; ++j)
                for (int64_t ez = 0; ez < parts_z; ++ez)
                    for (int64_t ey = 0; ey < parts_y; ++ey)
                        for (int64_t ex = 0; ex < 4; ++ex)
                            along(h + (wide_[0] ? 3 * i : i) * plane + ((j * parts_y + ey) * 4 + ex) * across,
                                  plane, wide_[0], ez, tiles[2],
                                  to + ((ez * parts_y + ey) * 4 + ex) * step +
                                      (i * tiles[1] + j) * tiles[2]);
    }

    static TCONV_INLINE void along(const T* d, int64_t step, bool wide, int64_t which, int64_t count,
                                   T* to) {
        if (wide)
            transform_input<T>(d, step, which, count, to);
        else
            for (int64_t i = 0; i < count; i += lanes) store<T>(to + i, load(d + i));
    }

    void multiply(const Tiling& t, int64_t group, int64_t block, int64_t width, const T* panel,
                  T* products) const {
        static const int32_t nothing = 0;
        static const T zeros[max_rows] = {};
        const int64_t in = this->in_, first = block * this->block_;
        const int64_t rows = this->phases_ * min(this->block_, this->out_ - first);
        const T* a = packed_.data() + (group * this->out_ + first) * this->phases_ * parts_ * in;
        for (int64_t e = 0; e < parts_; ++e)
            for (int64_t r = 0; r < rows;) {
                const int64_t height = Base::block_rows(rows, r);
                Product<T> product{in, 1, t.plane, &nothing, a, panel + e * in * t.plane,
                                   products + (e * rows + r) * t.plane, t.plane, zeros, false};
                this->sweep(product, height, width);
                a += in * height;
                r += height;
            }
    }

    // The components of one phase's row back to positions, bias and relu applied.
    void restore(const Tiling& t, const int64_t* tiles, const T* m, int64_t step, T bias,
                 T* to) const {
        const int64_t parts_y = wide_[1] ? 4 : 1, parts_z = wide_[0] ? 4 : 1;
        const int64_t three_y = wide_[1] ? 3 : 1, three_z = wide_[0] ? 3 : 1;
        const bool relu = this->layer_.activation == Activation::relu;
        for (int64_t i = 0; i < tiles[0]; ++i)
            for (int64_t j = 0; j < tiles[1]; ++j)
                for (int64_t k = 0; k < tiles[2]; k += lanes) {
                    const T* at = m + (i * tiles[1] + j) * tiles[2] + k;
                    V v[4][4][4];
                    for (int64_t ey = 0; ey < parts_y; ++ey)
                        for (int64_t ex = 0; ex < 4; ++ex) {
                            V d[4];
                            for (int64_t ez = 0; ez < parts_z; ++ez)
                                d[ez] = load(at + ((ez * parts_y + ey) * 4 + ex) * step);
                            if (wide_[0]) back(d);
                            for (int64_t z = 0; z < three_z; ++z) v[z][ey][ex] = d[z];
                        }
                    for (int64_t z = 0; z < three_z; ++z) {
                        for (int64_t ex = 0; ex < 4 && wide_[1]; ++ex) {
                            V d[4] = {v[z][0][ex], v[z][1][ex], v[z][2][ex], v[z][3][ex]};
                            back(d);
                            for (int r = 0; r < 3; ++r) v[z][r][ex] = d[r];
                        }
                        for (int64_t r = 0; r < three_y; ++r) {
                            V* d = v[z][r];
                            back(d);
                            for (int x = 0; x < 3; ++x) {
                                d[x] += V{} + bias;
                                if (relu) d[x] = d[x] > V{} ? d[x] : V{};
                            }
                            T* row = to + ((i * three_z + z) * t.pitch[1] + j * three_y + r) * t.pitch[2] +
                                     3 * k;
                            store<T>(row, interleaved<T, 0>(d[0], d[1], d[2]));
                            store<T>(row + lanes, interleaved<T, 1>(d[0], d[1], d[2]));
                            store<T>(row + 2 * lanes, interleaved<T, 2>(d[0], d[1], d[2]));
                        }
                    }
                }
        if (this->layer_.activation > Activation::relu)
            this->activate(to, t.pitch[0] * t.pitch[1] * t.pitch[2]);
    }

    static TCONV_INLINE void back(V* d) {
        const V sum = d[1] + d[2], difference = d[1] - d[2];
        d[0] += sum;
        d[2] = sum - d[3];
        d[1] = difference;
    }

    bool wide_[3];
    int64_t parts_;
    Buffer<T> packed_;
};

}  // namespace tconv::TCONV_TARGET
