// SPDX-License-Identifier: Apache-2.0

import FleetProtocol
import Metainfo
import RolloutCore
import TrackerProtocol

extension RolloutRequest {
    /// What the machine is to do, for a master as it is published.
    /// - Parameter least: the smallest version that it may follow.
    func core(
        _ published: PublishedMaster, followsAtLeast least: UInt64?
    ) throws(FleetProblem) -> (RolloutTarget, RolloutSettings) {
        guard let version = UInt64(exactly: master.version),
            let reference = MasterReference(
                line: master.name, version: version, infoHash: published.infoHashV2 ?? published.infoHashV1 ?? "")
        else { throw Self.malformed("\(master) cannot be rolled out: it has no version.") }
        do {
            let target = RolloutTarget(
                master: reference, imageBytes: UInt64(max(0, published.size)), followsAtLeast: least,
                selector: try HostSelector(selector))
            return (target, try settings())
        } catch let error as HostSelectorError {
            throw Self.malformed(error.description)
        } catch let error as WaveSpecError {
            throw Self.malformed(error.description)
        } catch let error as WeeklyWindowsError {
            throw Self.malformed(error.description)
        } catch let error as FleetProblem {
            throw error
        } catch {
            throw Self.malformed("\(error)")
        }
    }

    private func settings() throws -> RolloutSettings {
        var settings = RolloutSettings()
        if let canaries { settings.canaries = try Self.canaries(canaries) }
        if let waves { settings.waves = try WaveSpec(waves) }
        if let windows { settings.windows = try WeeklyWindows(windows) }
        settings.isPromotedAutomatically = isPromotedAutomatically ?? settings.isPromotedAutomatically
        settings.needsApproval = needsApproval ?? settings.needsApproval
        settings.slots = slots ?? settings.slots
        settings.probing = probing.flatMap { RolloutSettings.Probing(rawValue: $0.rawValue) } ?? settings.probing
        settings.onError = onError.flatMap { RolloutSettings.OnError(rawValue: $0.rawValue) } ?? settings.onError
        settings.stageRatePercent = stageRatePercent ?? settings.stageRatePercent
        settings.clearsDenials = clearsDenials ?? settings.clearsDenials
        settings.retries = retries ?? settings.retries
        func set(_ span: inout Span, _ seconds: Int?) { if let seconds { span = .seconds(Int64(seconds)) } }
        set(&settings.canarySoak, canarySoakSeconds)
        set(&settings.waveSoak, waveSoakSeconds)
        set(&settings.silenceLimit, silenceSeconds)
        set(&settings.activateLimit, activateSeconds)
        set(&settings.probeLimit, probeSeconds)
        set(&settings.stageProgressLimit, stageProgressSeconds)
        return settings
    }

    private static func canaries(_ text: String) throws(FleetProblem) -> RolloutSettings.Canaries {
        if text == "auto" { return .automatic }
        if let count = Int(text) { return .count(count) }
        var names: [HostName] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let name = HostName(part) else {
                throw malformed("“\(part)” is no host name: canaries are auto, a number, or names parted by commas.")
            }
            names.append(name)
        }
        return .named(names)
    }

    private static func malformed(_ detail: String) -> FleetProblem {
        FleetProblem(status: 422, code: .malformed, detail: detail)
    }
}

extension RolloutCommandRequest {
    func core() throws(FleetProblem) -> RolloutCommand {
        func needed() throws(FleetProblem) -> HostName {
            guard let host, let name = HostName(host) else {
                throw FleetProblem(
                    status: 422, code: .malformed, detail: "The command \(command) is about a host: name it.")
            }
            return name
        }
        switch command {
        case .start: return .start
        case .approve: return .approve
        case .reject: return .reject
        case .pause: return .pause
        case .resume: return .resume
        case .promote: return .promote
        case .retry: return host == nil ? .retryFailed : .retryHost(try needed())
        case .skip: return .skipHost(try needed())
        case .exclude: return .excludeHost(try needed())
        case .rollback: return .rollBack
        case .abort: return .abort
        case .extend:
            return .extendDeadline(host: host == nil ? nil : try needed(), by: .seconds(Int64(seconds ?? 0)))
        default:
            throw FleetProblem(status: 422, code: .malformed, detail: "There is no command \(command).")
        }
    }
}
