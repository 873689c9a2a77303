#include "algorithms/channels/depthwise.hpp"

#include "registry.hpp"

namespace tconv::TCONV_TARGET {

template <class T>
Algorithm<T> depthwise_algorithm() {
    return {"depthwise", false, Depthwise<T>::refusal, make_recipe<T, Adapted<T, Depthwise<T>>>};
}

template Algorithm<float> depthwise_algorithm();
template Algorithm<double> depthwise_algorithm();

}  // namespace tconv::TCONV_TARGET
