#include "algorithms/positions/positions.hpp"

#include "registry.hpp"

namespace tconv::TCONV_TARGET {

template <class T>
Algorithm<T> positions_algorithm() {
    return {"positions", false, Positions<T>::refusal, make_recipe<T, Adapted<T, Positions<T>>>};
}

template Algorithm<float> positions_algorithm();
template Algorithm<double> positions_algorithm();

}  // namespace tconv::TCONV_TARGET
