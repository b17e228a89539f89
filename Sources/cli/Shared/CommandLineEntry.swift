import ArgumentParser

extension ParsableCommand {
    /// Parses arguments and runs the command that they name; an error is printed with the command line's remedy.
    ///
    /// - Parameter arguments: the arguments; `nil` takes the process's own.
    public static func start(_ arguments: [String]? = nil) async {
        do {
            var command = try parseAsRoot(arguments)
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            exit(withError: CommandLineRemedy.reword(error))
        }
    }
}
