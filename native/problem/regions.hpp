// Regions of arrays, and arrays with channels first transposed, a region at a time, to channels last.
#pragma once

#include "problem/rows.hpp"

namespace tconv::TCONV_TARGET {

// `start` and `count` cells on each axis.
struct Region {
    int64_t start[3], count[3];
    int64_t cells() const { return count[0] * count[1] * count[2]; }
};

inline Region whole_region(const int64_t* size) { return {{0, 0, 0}, {size[0], size[1], size[2]}}; }

// Where the cells of an array with channels last are, from the position 0 of image 0.
struct View {
    int64_t origin, image, axis[3];
    int64_t of(int64_t n, int64_t z, int64_t y, int64_t x) const {
        return origin + n * image + z * axis[0] + y * axis[1] + x * axis[2];
    }
};

// Of an array that holds a region alone.
inline View view_of(const Region& region, int64_t channels) {
    View view;
    view.axis[2] = channels;
    view.axis[1] = region.count[2] * view.axis[2];
    view.axis[0] = region.count[1] * view.axis[1];
    view.image = region.count[0] * view.axis[0];
    view.origin = 0;
    for (int a = 0; a < 3; ++a) view.origin -= region.start[a] * view.axis[a];
    return view;
}

// to[c][r] = from[r][c], along the rows of whichever array has the longer ones; those that come next
// are fetched.
template <class T>
void transpose(const T* from, int64_t from_row, int64_t rows, int64_t columns, T* to, int64_t to_row) {
    constexpr int lanes = Lanes<T>::count;
    if (rows < lanes || columns < lanes) {
        for (int64_t c = 0; c < columns; ++c)
            for (int64_t r = 0; r < rows; ++r) to[c * to_row + r] = from[r * from_row + c];
        return;
    }
    const bool across = from_row >= to_row;
    const auto square = [=](int64_t r, int64_t c) TCONV_INLINED {
        r = min(r, rows - lanes);  // the last squares lap over those before them
        c = min(c, columns - lanes);
        typename Lanes<T>::V v[lanes];
        for (int i = 0; i < lanes; ++i) {
            v[i] = load<T>(from + (r + i) * from_row + c);
            if (across) __builtin_prefetch(from + (r + i + lanes) * from_row + c);
        }
        interleave<T, lanes>(v);
        for (int i = 0; i < lanes; ++i) {
            store<T>(to + (c + i) * to_row + r, v[i]);
            if (!across) __builtin_prefetch(to + (c + i + lanes) * to_row + r, 1);
        }
    };
    if (across)
        for (int64_t r = 0; r < rows; r += lanes)
            for (int64_t c = 0; c < columns; c += lanes) square(r, c);
    else
        for (int64_t c = 0; c < columns; c += lanes)
            for (int64_t r = 0; r < rows; r += lanes) square(r, c);
}

// Calls f(cell of the whole, length) for the rows of a region that lie side by side in both.
template <class F>
void each_row(const int64_t* size, const Region& region, const F& f) {
    int64_t length = region.count[2], rows = region.count[1], planes = region.count[0];
    if (length == size[2]) {
        length *= rows;
        rows = 1;
        if (region.count[1] == size[1]) {
            length *= planes;
            planes = 1;
        }
    }
    for (int64_t z = 0; z < planes; ++z)
        for (int64_t row = 0; row < rows; ++row)
            f(((region.start[0] + z) * size[1] + region.start[1] + row) * size[2] + region.start[2], length);
}

// Some channels of a region of each of `images` arrays of so many channels: from channels first into
// an array with channels last that holds them alone.
template <class T>
void transpose_in(const int64_t* size, const Region& region, int64_t images, int64_t channels, int64_t some,
             const T* x, T* to) {
    const int64_t all = size[0] * size[1] * size[2];
    for (int64_t n = 0; n < images; ++n)
        each_row(size, region, [&](int64_t cell, int64_t length) {
            transpose<T>(x + n * channels * all + cell, all, some, length, to, some);
            to += length * some;
        });
}

// And back.
template <class T>
void transpose_out(const int64_t* size, const Region& region, int64_t images, int64_t channels, int64_t some,
              const T* from, T* y) {
    const int64_t all = size[0] * size[1] * size[2];
    for (int64_t n = 0; n < images; ++n)
        each_row(size, region, [&](int64_t cell, int64_t length) {
            transpose<T>(from, some, length, some, y + n * channels * all + cell, all);
            from += length * some;
        });
}

}  // namespace tconv::TCONV_TARGET
