import CLIShared
import BenchTool

@main
enum Program {
    static func main() async { await EMLLMBench.start() }
}
