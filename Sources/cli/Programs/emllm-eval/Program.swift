import CLIShared
import EvalTool

@main
enum Program {
    static func main() async { await EMLLMEval.start() }
}
