#!/bin/bash
#SBATCH --job-name=wordcount
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
# and wcreduce are on PATH there. At the end RESULT/counts has the counts, the highest first.
# What your cluster asks for, such as --time, --account, --partition and --mem, goes before the
# name of the script. These variables set the rest:
#
#   CHUNK   files in a job step (5). A step should last ten seconds or longer, and a job may have
#           only so many steps: MaxStepCount of slurm.conf, 40000 unless your cluster says
#           otherwise. Steps that are run again count too.
#   TRIES   how often a step that failed is run again (10)
#   PAUSE   seconds before that (30): all tries together outlast the time that Slurm takes to
#           find a node dead (SlurmdTimeout, 300), and until then it may start steps there
#   PMAP, WORDSPLIT, WCREDUCE
#           the programs, if they have other names or are not the first of their names on PATH
#
# Each step leaves the counts of its files in a file of their own, which gets its name when it is
# complete. So a second try changes nothing, even while a lost node still works on the first one;
# --no-kill lets the job outlive that node. A job that ended early, was requeued, or is submitted
# again for the same folders counts only what is not counted yet: texts that are new or have
# changed since, and those that could not be read.
set -euo pipefail
export LC_ALL=C
die() { echo "slurm-wordcount.sh: $*" >&2; exit 2; }

[ $# -eq 2 ] || die "usage: sbatch --ntasks=200 slurm-wordcount.sh TEXTS RESULT"
[ "${SLURM_JOB_ID-}" ] || die "not in a Slurm job: submit it with sbatch"
texts=$1
partials=$2/chunks
export PAUSE=${PAUSE:-30} PMAP=${PMAP:-pmap} WORDSPLIT=${WORDSPLIT:-wordsplit}
export WCREDUCE=${WCREDUCE:-wcreduce}

# Another program is called pmap, too: that of procps.
for program in "$PMAP" "$WORDSPLIT" "$WCREDUCE"; do
    case $("$program" --version 2>&1) in
    *pmaputils*) ;;
    *) die "'$program' is not the program of pmaputils: put it first on PATH, or set PMAP" \
        "(WORDSPLIT, WCREDUCE) to its path" ;;
    esac
done

# One step, on the node that Slurm finds for it: where to put the counts, and the files.
#
# wordsplit exits with status 1 if it could not read a file, after it has read the others. If cat
# can read it, then the file is not text in UTF-8, and to try again is of no use: its message is
# kept beside the counts of the others. Anything else that fails makes the step fail.
# shellcheck disable=SC2016 # bash on the node expands it
export step='
    part=$(mktemp "$1.XXXXXX") || exit
    trap "rm -f \"\$part\" \"\$part.errors\"" EXIT
    trap "exit 143" TERM
    "$WORDSPLIT" -- "${@:2}" 2>"$part.errors" | "$WCREDUCE" -u >"$part"
    status="${PIPESTATUS[*]}"
    cat "$part.errors" >&2
    if [ "$status" = "1 0" ] && cat -- "${@:2}" >/dev/null; then
        mv "$part.errors" "$1.unread" || exit
    elif [ "$status" != "0 0" ]; then
        exit 1
    fi
    mv "$part" "$1"
'

# One worker of pmap, on this node. It prints the name of the file with the counts. The name is
# made of the texts, their sizes and times, so that it is another one if they change.
#
# srun has been seen to exit with status 0 when its node died: so a step has succeeded when its
# file is there, and not before. Without --mem=0 a step would wait until no other step has the
# memory of the job.
# shellcheck disable=SC2016 # bash in the worker expands it
export worker='
    name=$(stat -c "%n %s %Y" -- "${@:2}" | sha256sum) || exit
    counts=$1/${name%% *}.counts
    if [ ! -e "$counts" ]; then
        srun --quiet -N1 -n1 --exact --mem=0 --input=none --quit-on-interrupt --kill-on-bad-exit \
            bash -c "$step" step "$counts" "${@:2}"
    fi
    if [ -e "$counts" ]; then echo "$counts"; exit; fi
    sleep "$PAUSE"
    exit 1
'

# New texts come after those of the last time, so that these keep their chunks. If some are gone,
# the list is made anew.
mkdir -p "$partials"
list=$2/list
touch "$list"
find "$texts" -type f -print0 | sort -z >"$list.found"
if [ "$(sort -z "$list" | comm -z -23 - "$list.found" | wc -c)" -eq 0 ]; then
    sort -z "$list" | comm -z -13 - "$list.found" | cat "$list" - >"$list.new"
    mv "$list.new" "$list"
    rm "$list.found"
else
    mv "$list.found" "$list"
fi

# A step ends when its srun gets TERM. KILL would end srun alone, so it comes later than
# Slurm's own would (KillWait, 30 seconds).
"$PMAP" -0 -a "$list" -j "${SLURM_NTASKS:-1}" -c "${CHUNK:-5}" --retry "${TRIES:-10}" \
    --kill-after 60 --log "$2/log" --failed "$2/failed" \
    bash -c "$worker" worker "$partials" >"$2/parts"

# Each worker merges a hundred files, and the last merge what they print.
"$PMAP" -q -a "$2/parts" -c100 "$WCREDUCE" -u -m | "$WCREDUCE" -m >"$2/counts.new"
mv "$2/counts.new" "$2/counts"

# The counts lack these texts.
while read -r counts; do
    if [ -e "$counts.unread" ]; then cat "$counts.unread"; fi
done <"$2/parts" >"$2/unread"
cat "$2/unread" >&2
[ ! -s "$2/unread" ]
