#include "algorithms/convolution.hpp"

#include "registry.hpp"

namespace tconv::TCONV_TARGET {

template <class T>
std::unique_ptr<Packed<T>> make_convolution(const Layer& layer, const T* weight, const T* bias) {
    return std::make_unique<Convolution<T>>(layer, weight, bias);
}

template std::unique_ptr<Packed<float>> make_convolution(const Layer&, const float*, const float*);
template std::unique_ptr<Packed<double>> make_convolution(const Layer&, const double*, const double*);

}  // namespace tconv::TCONV_TARGET
