import CLIShared
import ConvertTool

@main
enum Program {
    static func main() async { await EMLLMConvert.start() }
}
