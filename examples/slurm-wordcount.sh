#!/bin/bash
#SBATCH --job-name=wordcount
#SBATCH --ntasks=64
#SBATCH --cpus-per-task=1
#SBATCH --no-kill
#SBATCH --requeue
#SBATCH --open-mode=append
#
# Counts the words of all files below a folder, on all the nodes of a Slurm job.
#
#   sbatch --ntasks=200 slurm-wordcount.sh TEXTS RESULT
#
# TEXTS and the folder RESULT are on a file system that all nodes share, and pmap, wordsplit
# and wcreduce are on PATH there. In the end RESULT/counts has the counts, the highest first.
# Variables set the rest:
#
#   CHUNK   files to a job step (5): as many as make it last ten seconds or longer
#   TRIES   how often a step that failed is run again (10)
#   PAUSE   seconds before that (30): all tries together outlast the time that Slurm takes to
#           find a node dead (SlurmdTimeout, 300), and until then it may start steps there
#
# Each step leaves the counts of its files in a file of their own, which gets its name when
# it is whole. So a second try changes nothing, even while a lost node still works on the
# first; --no-kill has the job outlive that node. A job that ended early, requeued or
# submitted again with the same folders, does only what the log does not have as done.
set -euo pipefail
export LC_ALL=C
texts=$1
result=$2
chunk=${CHUNK:-5}
partials=$result/chunks-of-$chunk
export PAUSE=${PAUSE:-30}

# One step, on the node that Slurm finds for it: where to put the counts, and the files. It
# fails if any part of it fails.
# shellcheck disable=SC2016 # bash on the node expands it
export step='
    set -euo pipefail
    part=$(mktemp "$1.XXXXXX")
    trap "rm -f \"\$part\"" EXIT
    trap "exit 143" TERM
    wordsplit -- "${@:2}" | wcreduce -u >"$part"
    mv "$part" "$1"
'

# One worker of pmap, on this node. srun has been seen to exit with status 0 when its node
# died: so a step has succeeded when its file is there, and not before.
# shellcheck disable=SC2016 # bash in the worker expands it
export worker='
    counts=$1/$PMAP_CHUNK.counts
    if [ -e "$counts" ]; then exit; fi
    srun --quiet -N1 -n1 --exact --input=none --quit-on-interrupt --kill-on-bad-exit \
        bash -c "$step" step "$counts" "${@:2}" && [ -e "$counts" ] && exit
    sleep "$PAUSE"
    exit 1
'

# The list is made once: a chunk is known by its number.
mkdir -p "$partials"
if [ ! -e "$result/list" ]; then
    find "$texts" -type f -print0 | sort -z >"$result/list.new"
    mv "$result/list.new" "$result/list"
fi

# A step ends when its srun gets TERM. KILL would end srun alone, so it comes later than
# Slurm's own would (KillWait, 30 seconds).
pmap -0 -a "$result/list" -j "$SLURM_NTASKS" -c "$chunk" --retry "${TRIES:-10}" \
    --kill-after 60 --log "$partials/log" --resume --failed "$result/failed" \
    bash -c "$worker" worker "$partials"

# The log has the number of each chunk, and that is the name of its file: one that is not
# there is an error. Each worker merges a hundred files, and the last merge what they print.
cut -f 1 "$partials/log" | tail -n +2 | sort -nu | sed "s|.*|$partials/&.counts|" |
    pmap -q -c100 wcreduce -u -m | wcreduce -m >"$result/counts.new"
mv "$result/counts.new" "$result/counts"
