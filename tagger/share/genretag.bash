# bash completion for genretag: source it, or put it where bash-completion looks.
_genretag() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} at="" word
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        case "$at/$word" in
            /scan|/apply|/undo|/show|/cluster|/similar|/playlist|/train|/evaluate|/compare|/explore|/doctor|/completion|/app|/models|/models/list|/models/show|/models/verify|/cache|/cache/info|/cache/clear|/cache/prune|/config|/config/show|/config/path|/config/init) at="$at/$word" ;;
        esac
    done
    COMPREPLY=()
    case "$at $prev" in
        "/scan --policy") COMPREPLY=($(compgen -W "fill append overwrite" -- "$cur")); return ;;
        "/scan --min-confidence") return ;;
        "/scan --max-genres") return ;;
        "/scan --consistent") COMPREPLY=($(compgen -W "none album" -- "$cur")); return ;;
        "/scan --model") return ;;
        "/scan --jobs"|"/scan -j") return ;;
        "/scan --exclude") return ;;
        "/scan --report") return ;;
        "/scan --plan") return ;;
        "/scan --log") return ;;
        "/scan --mtime") COMPREPLY=($(compgen -W "bump preserve" -- "$cur")); return ;;
        "/scan --write") COMPREPLY=($(compgen -W "safe in-place" -- "$cur")); return ;;
        "/scan --time-limit") return ;;
        "/scan --nice") return ;;
        "/scan --dask") return ;;
        "/apply --in") return ;;
        "/apply --report") return ;;
        "/apply --log") return ;;
        "/apply --mtime") COMPREPLY=($(compgen -W "bump preserve" -- "$cur")); return ;;
        "/apply --write") COMPREPLY=($(compgen -W "safe in-place" -- "$cur")); return ;;
        "/undo --write") COMPREPLY=($(compgen -W "safe in-place" -- "$cur")); return ;;
        "/show --model") return ;;
        "/show --spectrogram") return ;;
        "/cluster --k") COMPREPLY=($(compgen -W "auto" -- "$cur")); return ;;
        "/cluster --pca") return ;;
        "/cluster --plots") return ;;
        "/cluster --seed") return ;;
        "/cluster --exclude") return ;;
        "/cluster --mtime") COMPREPLY=($(compgen -W "bump preserve" -- "$cur")); return ;;
        "/cluster --model") return ;;
        "/cluster --jobs"|"/cluster -j") return ;;
        "/similar --in") return ;;
        "/similar -n") return ;;
        "/similar --per-artist") return ;;
        "/similar --playlist") return ;;
        "/similar --model") return ;;
        "/similar --jobs"|"/similar -j") return ;;
        "/playlist --out") return ;;
        "/playlist --by") COMPREPLY=($(compgen -W "cluster genre" -- "$cur")); return ;;
        "/playlist --seed") return ;;
        "/playlist -n") return ;;
        "/playlist --exclude") return ;;
        "/playlist --model") return ;;
        "/playlist --jobs"|"/playlist -j") return ;;
        "/train --out") return ;;
        "/train --labels") COMPREPLY=($(compgen -W "folders tags" -- "$cur")); return ;;
        "/train --features") return ;;
        "/train --network") return ;;
        "/train --weights") COMPREPLY=($(compgen -W "imagenet none" -- "$cur")); return ;;
        "/train --from") return ;;
        "/train --tune") COMPREPLY=($(compgen -W "head last all" -- "$cur")); return ;;
        "/train --add-to") return ;;
        "/train --sonify") return ;;
        "/train --epochs") return ;;
        "/train --balance") COMPREPLY=($(compgen -W "none weights sampling" -- "$cur")); return ;;
        "/train --min-per-genre") return ;;
        "/train --seed") return ;;
        "/train --jobs"|"/train -j") return ;;
        "/evaluate --labels") COMPREPLY=($(compgen -W "folders tags" -- "$cur")); return ;;
        "/evaluate --features") return ;;
        "/evaluate --model") return ;;
        "/evaluate --plots") return ;;
        "/evaluate --jobs"|"/evaluate -j") return ;;
        "/compare --labels") COMPREPLY=($(compgen -W "folders tags" -- "$cur")); return ;;
        "/compare --features") return ;;
        "/compare --classifiers") return ;;
        "/compare --csv") return ;;
        "/compare --plot") return ;;
        "/compare --folds") return ;;
        "/compare --draws") return ;;
        "/compare --balance") COMPREPLY=($(compgen -W "none weights balanced" -- "$cur")); return ;;
        "/compare --seed") return ;;
        "/compare --jobs"|"/compare -j") return ;;
        "/explore --plots") return ;;
        "/explore --labels") COMPREPLY=($(compgen -W "folders tags" -- "$cur")); return ;;
        "/explore --features") return ;;
        "/explore --jobs"|"/explore -j") return ;;
        "/app --in") return ;;
        "/app --port") return ;;
        "/app --model") return ;;
        "/models/verify --model") return ;;
    esac
    case "$at" in
        "") if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W "--version --help -h" -- "$cur")); return; fi; COMPREPLY=($(compgen -W "scan apply undo show cluster similar playlist train evaluate compare explore doctor completion app models cache config" -- "$cur")); return ;;
        "/scan") if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W "--dry-run -n --no-dry-run --policy --min-confidence --max-genres --consistent --model --rescan --no-rescan --jobs -j --exclude --report --plan --log --mtime --write --time-limit --nice --dask --quiet -q --no-quiet --verbose -v --no-verbose --help -h" -- "$cur")); return; fi ;;
        "/apply") if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W "--in --report --log --mtime --write --quiet -q --no-quiet --verbose -v --no-verbose --help -h" -- "$cur")); return; fi ;;
        "/undo") if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W "--list -l --dry-run -n --write --quiet -q --no-quiet --verbose -v --no-verbose --help -h" -- "$cur")); return; fi ;;
        "/show") if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W "--model --timeline -t --spectrogram --json --verbose -v --help -h" -- "$cur")); return; fi ;;
        "/cluster") if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W "--k --pca --refit --dry-run -n --write --plots --seed --exclude --mtime --model --jobs -j --quiet -q --no-quiet --verbose -v --no-verbose --help -h" -- "$cur")); return; fi ;;
        "/similar") if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W "--in -n --per-artist --playlist --model --jobs -j --json --help -h" -- "$cur")); return; fi ;;
        "/playlist") if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W "--out --by --seed -n --exclude --model --jobs -j --help -h" -- "$cur")); return; fi ;;
        "/train") if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W "--out --labels --features --network --weights --from --tune --add-to --sonify --epochs --balance --min-per-genre --seed --jobs -j --help -h" -- "$cur")); return; fi ;;
        "/evaluate") if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W "--labels --features --model --held-out --json --plots --jobs -j --help -h" -- "$cur")); return; fi ;;
        "/compare") if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W "--labels --features --classifiers --csv --plot --folds --search --draws --balance --seed --jobs -j --help -h" -- "$cur")); return; fi ;;
        "/explore") if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W "--plots --labels --features --jobs -j --help -h" -- "$cur")); return; fi ;;
        "/doctor") if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W "--json --help -h" -- "$cur")); return; fi ;;
        "/completion") if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W "--help -h" -- "$cur")); return; fi ;;
        "/app") if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W "--in --port --model --help -h" -- "$cur")); return; fi ;;
        "/models") if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W "--help -h" -- "$cur")); return; fi; COMPREPLY=($(compgen -W "list show verify" -- "$cur")); return ;;
        "/models/list") if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W "--help -h" -- "$cur")); return; fi ;;
        "/models/show") if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W "--json --help -h" -- "$cur")); return; fi ;;
        "/models/verify") if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W "--model --help -h" -- "$cur")); return; fi ;;
        "/cache") if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W "--help -h" -- "$cur")); return; fi; COMPREPLY=($(compgen -W "info clear prune" -- "$cur")); return ;;
        "/cache/info") if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W "--help -h" -- "$cur")); return; fi ;;
        "/cache/clear") if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W "--help -h" -- "$cur")); return; fi ;;
        "/cache/prune") if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W "--help -h" -- "$cur")); return; fi ;;
        "/config") if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W "--help -h" -- "$cur")); return; fi; COMPREPLY=($(compgen -W "show path init" -- "$cur")); return ;;
        "/config/show") if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W "--json --help -h" -- "$cur")); return; fi ;;
        "/config/path") if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W "--help -h" -- "$cur")); return; fi ;;
        "/config/init") if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W "--force --help -h" -- "$cur")); return; fi ;;
    esac
}
complete -o default -F _genretag genretag
