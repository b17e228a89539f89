import ArgumentParser
import EMLLMModelStore
import Foundation

extension CompletionKind {
    /// Picture files.
    public static let pictures = CompletionKind.file(extensions: ["png", "jpg", "jpeg", "PNG", "JPG", "JPEG"])

    /// Model files, and folders of Hugging Face models.
    public static let modelFiles = CompletionKind.file(extensions: ["emllm", "gguf"])

    /// Values of `--model`: names of models in the store, model files and folders.
    public static let models = CompletionKind.custom { _, _, prefix in ModelStore().completions(of: prefix) }
}

extension ModelStore {
    /// The names and the paths of model files and folders that begin with `prefix`, sorted; folders end with a slash.
    func completions(of prefix: String) -> [String] {
        let names = prefix.contains("/") ? [] : names().filter { $0.hasPrefix(prefix) }
        // As typed, since a completion has to begin with it.
        let typed = prefix.lastIndex(of: "/").map { String(prefix[...$0]) } ?? ""
        let start = prefix.dropFirst(typed.count)
        let folder = typed.isEmpty ? FileManager.default.currentDirectoryPath : typed
        let entries = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        let paths = entries.compactMap { name -> String? in
            guard name.hasPrefix(start), !name.hasPrefix(".") || start.hasPrefix(".") else { return nil }
            var isFolder: ObjCBool = false
            let path = URL(filePath: folder).appending(path: name).path(percentEncoded: false)
            guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else { return nil }
            if isFolder.boolValue { return typed + name + "/" }
            return [".emllm", ".gguf"].contains(where: name.hasSuffix) ? typed + name : nil
        }
        return names + paths.sorted()
    }
}
