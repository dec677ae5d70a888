/// Bytes as people read them: `1.5 GiB`.
public func byteText(_ bytes: Int) -> String {
    var value = Double(bytes)
    for unit in ["B", "KiB", "MiB", "GiB", "TiB", "PiB"] {
        if value < 1024 || unit == "PiB" {
            return unit == "B" ? "\(bytes) B" : "\(oneDecimal(value)) \(unit)"
        }
        value /= 1024
    }
    return "\(bytes) B"
}

/// Seconds as people read them: `1 h 05 min`, `2 min 10 s`, `42 s`.
public func durationText(_ seconds: Double) -> String {
    let whole = Int(max(0, min(seconds, 1e9)).rounded())
    let two = { (value: Int) in value < 10 ? "0\(value)" : "\(value)" }
    if whole >= 3600 { return "\(whole / 3600) h \(two(whole % 3600 / 60)) min" }
    if whole >= 60 { return "\(whole / 60) min \(two(whole % 60)) s" }
    return "\(whole) s"
}

/// A number with one decimal.
public func oneDecimal(_ value: Double) -> String { "\((value * 10).rounded() / 10)" }

/// A number with some decimals.
public func decimal(_ value: Double, places: Int) -> String {
    guard value.isFinite, abs(value) < 1e15 else { return "\(value)" }
    var scale = 1.0
    for _ in 0..<places { scale *= 10 }
    let scaled = (abs(value) * scale).rounded()
    let whole = (scaled / scale).rounded(.down)
    let fraction = Int(scaled - whole * scale)
    let digits = String(fraction)
    let text =
        places == 0
        ? "" : "." + String(repeating: "0", count: max(0, places - digits.count)) + digits
    return (value < 0 && scaled > 0 ? "-" : "") + "\(Int(whole))" + text
}
