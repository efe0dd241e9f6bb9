# Completion of `edgekit` in fish, as `edgekit completion fish` prints it.

function __edgekit_completion
    set -l option (string match --regex '^--[^=]*=' -- (commandline -t))
    for item in (env _EDGEKIT_COMPLETE=fish_complete COMP_WORDS=(commandline -cp | string collect) COMP_CWORD=(commandline -t | string collect) edgekit 2>/dev/null)
        set -l parts (string split --max 1 "," -- $item)
        switch $parts[1]
            case plain path
                echo "$option$parts[2]"
            case file
                __fish_complete_path $parts[2]
            case dir
                __fish_complete_directories $parts[2]
        end
    end
end

complete --no-files --command edgekit --arguments "(__edgekit_completion)"
