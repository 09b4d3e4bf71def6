#!/bin/sh
#
# Two maps at once over one pool of workers. In Python that is
#
#   with Pool(4) as pool:
#       sums = pool.starmap_async(add, pairs, chunksize=5)
#       products = pool.starmap_async(product, pairs, chunksize=5)
#       print(sum(sums.get()), sum(products.get()))
#
#   share-a-pool.sh [SLOTS]     4 slots by default
#
# Standard error shows which worker takes which pairs. PAUSE is the time for each pair in seconds
# (0.1 by default).
set -eu
slots=${1:-4}
export PAUSE="${PAUSE:-0.1}"

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
seq 1 10 >a
seq 11 20 >b
paste a b >pairs

# What a worker runs: it reads pairs and prints a number for each.
# shellcheck disable=SC2016 # the shell of the worker expands it
export add='while read -r x y; do sleep "$PAUSE"; echo $((x + y)); done'
# shellcheck disable=SC2016
export product='while read -r x y; do sleep "$PAUSE"; echo $((x * y)); done'

# A map in the background is a future, and to wait for it tells whether it was successful.
# shellcheck disable=SC2016
pmap --pool -j "$slots" -- sh -euc '
    pmap -v -c5 -i -s "$add" <pairs >sums & first=$!
    pmap -v -c5 -i -s "$product" <pairs >products & second=$!
    wait "$first"
    wait "$second"
'

echo "sum of the sums: $(($(paste -sd+ sums)))"
echo "sum of the products: $(($(paste -sd+ products)))"
