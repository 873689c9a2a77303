#include "problem/gradient_definition.hpp"

#include <algorithm>

namespace tconv {
namespace {

struct Span {
    int64_t first, last;  // the inputs that meet an output by a kernel element, [first, last)
};

Span span_of(const Axis& axis, int64_t k, int64_t input, int64_t crop, int64_t output) {
    const int64_t at = k * axis.dilation - crop;  // the output that input 0 meets
    const int64_t first = at < 0 ? (-at + axis.stride - 1) / axis.stride : 0;
    const int64_t last = output > at ? (output - at + axis.stride - 1) / axis.stride : 0;
    return {first, std::min(last, input)};
}

}  // namespace

template <class T>
void gradient_by_definition(const Layer& layer, const Shape& shape, const T* x, const T* y,
                            T* gradient, const Parallel& parallel) {
    const Axis* a = layer.axes;
    const int64_t *in = shape.input, *out = shape.output, *crop = shape.crop;
    const int64_t of_x = in[0] * in[1] * in[2], of_y = out[0] * out[1] * out[2];
    const int64_t kernel = a[0].kernel * a[1].kernel * a[2].kernel;
    const int64_t inputs = layer.in_channels / layer.groups;
    const int64_t outputs = layer.out_channels / layer.groups;
    parallel(layer.in_channels * outputs, [&](int64_t pair) {
        const int64_t c = pair / outputs, o = c / inputs * outputs + pair % outputs;
        T* into = gradient + pair * kernel;
        for (int64_t k = 0; k < kernel; ++k) {
            const int64_t taps[] = {k / (a[1].kernel * a[2].kernel), k / a[2].kernel % a[1].kernel,
                                    k % a[2].kernel};
            Span spans[3];
            int64_t at[3];
            for (int i = 0; i < 3; ++i) {
                spans[i] = span_of(a[i], taps[i], in[i], crop[i], out[i]);
                at[i] = taps[i] * a[i].dilation - crop[i];
            }
            T sum = 0;
            for (int64_t n = 0; n < shape.batch; ++n) {
                const T* from_x = x + (n * layer.in_channels + c) * of_x;
                const T* from_y = y + (n * layer.out_channels + o) * of_y;
                for (int64_t p = spans[0].first; p < spans[0].last; ++p)
                    for (int64_t q = spans[1].first; q < spans[1].last; ++q) {
                        const T* row_x = from_x + (p * in[1] + q) * in[2];
                        const T* row_y = from_y + ((p * a[0].stride + at[0]) * out[1] +
                                                   q * a[1].stride + at[1]) * out[2];
                        T products = 0;
                        for (int64_t r = spans[2].first; r < spans[2].last; ++r)
                            products += row_x[r] * row_y[r * a[2].stride + at[2]];
                        sum += products;
                    }
            }
            into[k] = sum;
        }
    });
}

template void gradient_by_definition(const Layer&, const Shape&, const float*, const float*, float*,
                                     const Parallel&);
template void gradient_by_definition(const Layer&, const Shape&, const double*, const double*,
                                     double*, const Parallel&);

}  // namespace tconv
